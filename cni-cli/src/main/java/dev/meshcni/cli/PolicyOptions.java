// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import dev.meshcni.core.Exemption;
import dev.meshcni.redirect.Decision;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.RedirectPolicy;
import dev.meshcni.redirect.SkipReason;
import java.util.List;
import picocli.CommandLine.Option;

/** What decides about a pod beside the pod itself: the same as for the plugin's ADD. */
final class PolicyOptions {
    @Option(
            names = "--exclude-namespaces",
            paramLabel = "NAMESPACE",
            split = ",",
            description = "Namespaces whose pods are not redirected, as in the plugin's configuration.")
    private List<String> excludedNamespaces = List.of();

    /**
     * Decides about a pod.
     *
     * @throws dev.meshcni.rules.InvalidParameterException as ADD fails
     */
    Decision decide(Pod pod) {
        return Exemption.ofNamespace(pod.namespace(), excludedNamespaces)
                .<Decision>map(excluded -> new Decision.Skip(SkipReason.EXCLUDED_NAMESPACE, excluded))
                .orElseGet(() -> RedirectPolicy.decide(pod));
    }
}
