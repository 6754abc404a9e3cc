// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import dev.meshcni.manifest.NodeManifests;
import io.fabric8.kubernetes.api.model.Namespace;
import java.util.ArrayList;
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
        List<String> followed = new ArrayList<>();
        pods.stream().filter(ClusterPod::needsCni).forEach(pod -> {
            AttachedNetworks attached = pod.attachedNetworks();
            missing.addAll(attached.ours());
            if (attached.ours().isEmpty()) {
                unattached.add(pod.key());
            } else if (attached.othersFollowOurs()) {
                followed.add(pod.key());
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
        if (!followed.isEmpty()) {
            checks.add(Check.warning(
                    Names.count(followed.size(), "injected pod") + " with another network after " + NAME + " ("
                            + Names.few(followed) + "): an IPv6 address that it brings is not there when the plugin is"
                            + " called, and IPv6 may not be redirected",
                    "name " + NAME + " last in the annotation " + NodeManifests.NETWORKS_ANNOTATION
                            + ": docs/adapters/multus.md"));
        }
        List<String> there = networks.stream().filter(AttachedNetworks::isOurs).toList();
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
                    .forEach(namespace -> wanted.addAll(AttachedNetworks.of(
                                    annotation, namespace.getMetadata().getName())
                            .ours()));
        }
        return wanted;
    }

    private static boolean injects(Namespace namespace) {
        Map<String, String> labels =
                Objects.requireNonNullElse(namespace.getMetadata().getLabels(), Map.of());
        return "enabled".equals(labels.get("istio-injection")) || labels.containsKey("istio.io/rev");
    }
}
