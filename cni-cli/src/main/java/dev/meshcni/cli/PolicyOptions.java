// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import dev.meshcni.ambient.EnrolmentPolicy;
import dev.meshcni.ambient.SelectorReader;
import dev.meshcni.core.Exemption;
import dev.meshcni.redirect.AmbientMetadata;
import dev.meshcni.redirect.AmbientOptions;
import dev.meshcni.redirect.Decision;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.RedirectPolicy;
import dev.meshcni.redirect.SkipReason;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import picocli.CommandLine.Option;

/** What decides about a pod beside the pod itself: the same as for the plugin's ADD. */
final class PolicyOptions {
    private static final String SELECTOR = "AMBIENT_ENABLEMENT_SELECTOR";

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
            names = "--namespace-labels",
            paramLabel = "NAME=VALUE",
            split = ",",
            description = "Labels of the pod's namespace, for enablement selectors that ask for others: those of the"
                    + " environment variable AMBIENT_ENABLEMENT_SELECTOR.")
    private Map<String, String> namespaceLabels = Map.of();

    @Option(
            names = "--ambient-dns-capture",
            paramLabel = "BOOL",
            description = "Whether the node captures DNS queries of ambient pods. Default: the environment variable"
                    + " AMBIENT_DNS_CAPTURE, else true.")
    private String dnsCapture;

    private final Map<String, String> environment;

    /** For picocli. */
    PolicyOptions() {
        this(System.getenv());
    }

    /** With the settings of a node: its agent's environment variables. */
    PolicyOptions(Map<String, String> environment) {
        this.environment = Map.copyOf(environment);
    }

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
        if (policy().exclusion(pod, labels(), false).isEmpty() || AmbientMetadata.isEnrolled(pod)) {
            return new Wanted.Ambient(AmbientOptions.of(pod, node()));
        }
        return switch (RedirectPolicy.decide(pod)) {
            case Decision.Redirect redirect -> new Wanted.Sidecar(redirect.parameters());
            case Decision.Skip skip -> new Wanted.Nothing(skip);
        };
    }

    /** That of the node's agent: a pod is in the mesh here if the agent has it join. */
    private EnrolmentPolicy policy() {
        return new EnrolmentPolicy(
                Set.copyOf(excludedNamespaces),
                SelectorReader.setting(SELECTOR, environment.getOrDefault(SELECTOR, "")),
                environment.getOrDefault("SYSTEM_NAMESPACE", "istio-system"));
    }

    private Map<String, String> labels() {
        Map<String, String> labels = new HashMap<>(namespaceLabels);
        if (ambient) {
            labels.put(AmbientMetadata.MODE, "ambient");
        }
        return labels;
    }

    private AmbientOptions.Node node() {
        if (dnsCapture == null) {
            return AmbientOptions.Node.of(environment);
        }
        Map<String, String> others = new HashMap<>(environment);
        others.remove(AmbientOptions.Node.DNS_VARIABLE);
        return AmbientOptions.Node.of(others).capturingDns("option --ambient-dns-capture", dnsCapture);
    }
}
