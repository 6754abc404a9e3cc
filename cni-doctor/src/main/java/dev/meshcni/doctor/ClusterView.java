// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import static java.util.Objects.requireNonNull;

import dev.meshcni.manifest.NodeManifests;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeSystemInfo;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * A cluster as the API server shows it, all of it read once.
 *
 * @param nodes the nodes that run Linux
 * @param namespaces the namespaces
 * @param defaultAccounts the namespaces with a ServiceAccount {@code default}
 * @param pods all pods
 * @param daemonSets all DaemonSets
 * @param wantedNamespace the namespace in which our DaemonSet has to be; empty for any
 */
record ClusterView(
        ApiResult<List<Node>> nodes,
        ApiResult<List<Namespace>> namespaces,
        ApiResult<Set<String>> defaultAccounts,
        ApiResult<List<ClusterPod>> pods,
        ApiResult<List<DaemonSet>> daemonSets,
        Optional<String> wantedNamespace) {
    ClusterView {
        requireNonNull(nodes, "nodes is null");
        requireNonNull(namespaces, "namespaces is null");
        requireNonNull(defaultAccounts, "defaultAccounts is null");
        requireNonNull(pods, "pods is null");
        requireNonNull(daemonSets, "daemonSets is null");
        requireNonNull(wantedNamespace, "wantedNamespace is null");
    }

    static ClusterView of(ClusterApi api, Optional<String> namespace) {
        return new ClusterView(
                api.nodes()
                        .map(all -> all.stream()
                                .filter(node -> info(node).getOperatingSystem() == null
                                        || "linux".equalsIgnoreCase(info(node).getOperatingSystem()))
                                .sorted(Comparator.comparing(
                                        node -> node.getMetadata().getName()))
                                .toList()),
                api.namespaces(),
                api.defaultAccounts(),
                api.pods(),
                api.daemonSets(),
                namespace);
    }

    /** The node information reported by the kubelet. */
    static NodeSystemInfo info(Node node) {
        return Optional.ofNullable(node.getStatus())
                .map(status -> status.getNodeInfo())
                .orElseGet(NodeSystemInfo::new);
    }

    /** Our DaemonSet, or Istio's own of the same name. */
    Optional<DaemonSet> daemonSet() {
        return daemonSets.known().orElse(List.of()).stream()
                .filter(set -> NodeManifests.DAEMON_SET.equals(set.getMetadata().getName()))
                .filter(set -> wantedNamespace
                        .map(set.getMetadata().getNamespace()::equals)
                        .orElse(true))
                .min(Comparator.comparing(set -> set.getMetadata().getNamespace()));
    }

    /** Whether our DaemonSet is in ambient mode, and no pod is known to have a sidecar. */
    boolean isAmbientAlone() {
        return daemonSet().filter(ClusterView::isAmbient).isPresent()
                && pods.known()
                        .filter(all -> all.stream()
                                .filter(ClusterPod::isLive)
                                .allMatch(pod -> pod.mesh().proxyImage().isEmpty()))
                        .isPresent();
    }

    private static boolean isAmbient(DaemonSet set) {
        return set.getSpec().getTemplate().getSpec().getContainers().stream()
                .flatMap(container -> container.getEnv().stream())
                .anyMatch(variable ->
                        NodeManifests.AMBIENT_ENABLED.equals(variable.getName()) && "true".equals(variable.getValue()));
    }

    /** The pods of our DaemonSet, by node. */
    List<Pod> agents() {
        Optional<String> namespace = daemonSet().map(set -> set.getMetadata().getNamespace());
        return wholePods("k8s-app", NodeManifests.DAEMON_SET).stream()
                .filter(pod -> namespace.equals(Optional.of(pod.getMetadata().getNamespace())))
                .filter(pod -> nodeName(pod).isPresent())
                .sorted(Comparator.comparing(pod -> nodeName(pod).orElse("")))
                .toList();
    }

    /** The pods of control planes. */
    List<Pod> controlPlanes() {
        return wholePods("app", "istiod");
    }

    static Optional<String> nodeName(Pod pod) {
        return Optional.ofNullable(pod.getSpec().getNodeName()).filter(name -> !name.isEmpty());
    }

    private List<Pod> wholePods(String label, String value) {
        return pods.known().orElse(List.of()).stream()
                .filter(ClusterPod::isLive)
                .flatMap(pod -> pod.whole().stream())
                .filter(pod -> value.equals(
                        Objects.requireNonNullElse(pod.getMetadata().getLabels(), Map.of())
                                .get(label)))
                .toList();
    }
}
