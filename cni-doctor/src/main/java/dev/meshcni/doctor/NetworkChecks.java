// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import dev.meshcni.manifest.NodeManifests;
import io.fabric8.kubernetes.api.model.Namespace;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;

/**
 * Whether Multus finds our network where the plugin is not chained: it calls the plugin for pods only that an
 * annotation attaches to the network, by a NetworkAttachmentDefinition in the namespace that the annotation names, or
 * in the pod's.
 */
final class NetworkChecks {
    private static final String NAME = NodeManifests.NETWORK;

    private NetworkChecks() {}

    /** Returns whether a daemon has installed the plugin as a network of its own. */
    static boolean concern(AgentStatuses statuses) {
        return statuses.known().stream()
                .flatMap(status -> status.installation().stream())
                .anyMatch(installation -> !installation.chained());
    }

    static List<Check> of(ClusterApi api, ClusterView view, List<ControlPlaneChecks.Injector> injectors) {
        return api.networks()
                .checks(
                        "NetworkAttachmentDefinitions " + NAME,
                        networks -> view.pods()
                                .checks("networks of the pods", pods -> of(networks, pods, view, injectors)));
    }

    private static List<Check> of(
            Set<String> networks,
            List<ClusterPod> pods,
            ClusterView view,
            List<ControlPlaneChecks.Injector> injectors) {
        List<Check> checks = new ArrayList<>();
        Set<String> missing = new TreeSet<>(wanted(view, injectors));
        List<String> unattached = new ArrayList<>();
        pods.stream().filter(ClusterPod::needsCni).forEach(pod -> {
            List<String> ours = ours(pod.networks(), pod.namespace());
            missing.addAll(ours);
            if (ours.isEmpty()) {
                unattached.add(pod.key());
            }
        });
        missing.removeAll(networks);
        if (!missing.isEmpty()) {
            checks.add(Check.error(
                    "no NetworkAttachmentDefinition " + Names.few(missing) + ": pods attached to it do not start",
                    "create it, or set another namespace in the injector's annotation (default/" + NAME
                            + "): docs/adapters/multus.md"));
        }
        if (!unattached.isEmpty()) {
            checks.add(Check.error(
                    Names.count(unattached.size(), "injected pod") + " without the annotation "
                            + NodeManifests.NETWORKS_ANNOTATION + ", so that Multus does not call the plugin: "
                            + Names.few(unattached),
                    "set sidecarInjectorWebhook.injectedAnnotations of istiod, then restart them: docs/install.md"));
        }
        List<String> there = networks.stream().filter(NetworkChecks::isOurs).toList();
        if (checks.isEmpty()) {
            checks.add(
                    there.isEmpty()
                            ? Check.warning(
                                    "no NetworkAttachmentDefinition " + NAME + " in any namespace",
                                    "create it before the first pod is injected: docs/adapters/multus.md")
                            : Check.ok("Multus finds the network " + NAME + " for every injected pod ("
                                    + Names.few(there) + ")"));
        }
        return checks;
    }

    /** The place where pods that the injector has yet to see would be looked for. */
    private static Set<String> wanted(ClusterView view, List<ControlPlaneChecks.Injector> injectors) {
        Set<String> wanted = new TreeSet<>();
        for (ControlPlaneChecks.Injector injector : injectors) {
            String annotation = injector.annotations().getOrDefault(NodeManifests.NETWORKS_ANNOTATION, "");
            view.namespaces().known().orElse(List.of()).stream()
                    .filter(NetworkChecks::injects)
                    .forEach(namespace -> wanted.addAll(
                            ours(annotation, namespace.getMetadata().getName())));
        }
        return wanted;
    }

    private static boolean injects(Namespace namespace) {
        Map<String, String> labels =
                Objects.requireNonNullElse(namespace.getMetadata().getLabels(), Map.of());
        return "enabled".equals(labels.get("istio-injection")) || labels.containsKey("istio.io/rev");
    }

    /**
     * The definitions of ours that an annotation names, as {@code namespace/name}:
     * {@code [namespace/]name[@interface]}, separated by commas (Kubernetes Network Custom Resource Definition De-facto
     * Standard, section 4.1.1).
     */
    private static List<String> ours(String annotation, String namespace) {
        return Arrays.stream(annotation.split(",", -1))
                .map(String::strip)
                .map(network -> network.replaceFirst("@.*", ""))
                .map(network -> network.contains("/") ? network : namespace + "/" + network)
                .filter(NetworkChecks::isOurs)
                .toList();
    }

    private static boolean isOurs(String network) {
        return network.endsWith("/" + NAME);
    }
}
