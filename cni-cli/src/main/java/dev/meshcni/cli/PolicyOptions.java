// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import dev.meshcni.core.Exemption;
import dev.meshcni.redirect.AmbientOptions;
import dev.meshcni.redirect.AmbientPolicy;
import dev.meshcni.redirect.Decision;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.RedirectPolicy;
import dev.meshcni.redirect.SkipReason;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Option;

/** What decides about a pod beside the pod itself: the same as for the plugin's ADD. */
final class PolicyOptions {
    @Option(
            names = "--exclude-namespaces",
            paramLabel = "NAMESPACE",
            split = ",",
            description = "Namespaces whose pods are not redirected, as in the plugin's configuration.")
    private List<String> excludedNamespaces = List.of();

    @Option(
            names = "--ambient",
            description = "The pod's namespace has the label istio.io/dataplane-mode=ambient, so the pod is in the"
                    + " ambient mesh unless it says otherwise. Not needed for a pod that has the label itself, or the"
                    + " annotation ambient.istio.io/redirection.")
    private boolean ambient;

    @Option(
            names = "--ambient-dns-capture",
            paramLabel = "BOOL",
            description = "Whether the node captures DNS queries of ambient pods. Default: the environment variable"
                    + " AMBIENT_DNS_CAPTURE, else true.")
    private String dnsCapture;

    /**
     * Decides about a pod.
     *
     * @throws dev.meshcni.rules.InvalidParameterException as ADD fails
     */
    Wanted wanted(Pod pod) {
        Optional<String> excluded = Exemption.ofNamespace(pod.namespace(), excludedNamespaces);
        if (excluded.isPresent()) {
            return new Wanted.Nothing(new Decision.Skip(SkipReason.EXCLUDED_NAMESPACE, excluded.get()));
        }
        if (AmbientPolicy.selects(pod, ambient) || AmbientPolicy.isEnrolled(pod)) {
            return new Wanted.Ambient(AmbientOptions.of(pod, node()));
        }
        return switch (RedirectPolicy.decide(pod)) {
            case Decision.Redirect redirect -> new Wanted.Sidecar(redirect.parameters());
            case Decision.Skip skip -> new Wanted.Nothing(skip);
        };
    }

    private AmbientOptions.Node node() {
        Map<String, String> environment = new HashMap<>(System.getenv());
        if (dnsCapture == null) {
            return AmbientOptions.Node.of(environment);
        }
        environment.remove(AmbientOptions.Node.DNS_VARIABLE);
        return AmbientOptions.Node.of(environment).capturingDns("option --ambient-dns-capture", dnsCapture);
    }
}
