// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import dev.meshcni.core.ShortLine;
import dev.meshcni.repair.NodeTaint;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeCondition;
import io.fabric8.kubernetes.api.model.Taint;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The first prerequisite of an installation: every node that runs Linux has a container runtime with a working CNI. */
final class NodeChecks {
    private static final Pattern USES_CNI = Pattern.compile("(containerd|cri-o)://.*");
    private static final String DOCKER = "docker://";

    /** The kubelet's message if the runtime found no usable CNI configuration. */
    private static final Pattern NO_CNI = Pattern.compile(
            "NetworkPluginNotReady|NetworkReady=false|cni (plugin|config) (not initialized|uninitialized)");

    private NodeChecks() {}

    static List<Check> of(ClusterView view) {
        return view.nodes().checks("container runtimes and CNI of the nodes", nodes -> of(nodes, view));
    }

    private static List<Check> of(List<Node> nodes, ClusterView view) {
        if (nodes.isEmpty()) {
            return List.of(Check.warning("no Linux node found", "add a Linux node: sidecars require Linux"));
        }
        List<Check> checks = new ArrayList<>(runtimes(nodes));
        nodes.forEach(node -> network(node).ifPresent(checks::add));
        List<String> ready = readyAgents(view);
        nodes.stream().filter(NodeChecks::isKeptFree).forEach(node -> checks.add(taint(name(node), view, ready)));
        return checks;
    }

    private static List<Check> runtimes(List<Node> nodes) {
        Map<String, List<String>> byRuntime = nodes.stream()
                .collect(Collectors.groupingBy(
                        NodeChecks::runtime, TreeMap::new, Collectors.mapping(NodeChecks::name, Collectors.toList())));
        List<Check> checks = new ArrayList<>();
        byRuntime.forEach((runtime, names) -> checks.add(runtime(runtime, names)));
        return checks;
    }

    private static Check runtime(String runtime, List<String> nodes) {
        String where = Names.count(nodes.size(), "node") + ": " + Names.few(nodes);
        if (USES_CNI.matcher(runtime).matches()) {
            return Check.ok("container runtime " + runtime + " uses CNI (" + where + ")");
        }
        if (runtime.startsWith(DOCKER)) {
            return Check.warning(
                    "container runtime " + runtime + " uses CNI only if configured (" + where + ")",
                    "start cri-dockerd (before Kubernetes 1.24: the kubelet) with --network-plugin=cni");
        }
        return Check.warning(
                "container runtime " + (runtime.isEmpty() ? "(unnamed)" : runtime) + " is not known to use CNI"
                        + " (" + where
                        + ")",
                "make sure that it uses CNI; containerd and CRI-O do");
    }

    private static Optional<Check> network(Node node) {
        Optional<NodeCondition> unavailable =
                condition(node, "NetworkUnavailable").filter(condition -> "True".equals(condition.getStatus()));
        Optional<NodeCondition> notReady =
                condition(node, "Ready").filter(condition -> !"True".equals(condition.getStatus()));
        if (notReady.filter(condition -> NO_CNI.matcher(text(condition)).find()).isPresent()) {
            return Optional.of(Check.error(
                    "node " + name(node) + " has no working CNI: " + text(notReady.get()),
                    "check the base CNI's pod on this node, then this daemon's: with CNI STATUS, a runtime also"
                            + " reports this when the daemon has not been ready for 30 seconds"));
        }
        if (unavailable.isPresent()) {
            return Optional.of(Check.error(
                    "the network of node " + name(node) + " is not set up: " + text(unavailable.get()),
                    "check the base CNI's pod on this node, or the cloud provider's routes"));
        }
        return notReady.map(condition -> Check.warning(
                "node " + name(node) + " is not ready: " + text(condition), "kubectl describe node " + name(node)));
    }

    private static Check taint(String node, ClusterView view, List<String> ready) {
        String remedy = "kubectl taint node " + node + " " + NodeTaint.KEY + "-";
        String tainted = "node " + node + " has the taint " + NodeTaint.KEY;
        if (view.daemonSet().isEmpty()) {
            return Check.error(tainted + ", and no daemon is installed that would remove it", remedy);
        }
        return ready.contains(node)
                ? Check.error(
                        tainted + ", although the daemon there is ready: ordinary pods are not scheduled",
                        "set nodeTaint, so that the daemon removes it, or " + remedy)
                : Check.warning(
                        tainted + ": ordinary pods are not scheduled until the daemon there is ready",
                        "if this persists, see the lines about the daemon of this node");
    }

    private static List<String> readyAgents(ClusterView view) {
        return view.agents().stream()
                .filter(AgentChecks::isReady)
                .flatMap(pod -> ClusterView.nodeName(pod).stream())
                .toList();
    }

    private static boolean isKeptFree(Node node) {
        return node.getSpec() != null
                && Objects.requireNonNullElse(node.getSpec().getTaints(), List.<Taint>of()).stream()
                        .anyMatch(taint -> NodeTaint.KEY.equals(taint.getKey()));
    }

    private static Optional<NodeCondition> condition(Node node, String type) {
        return node.getStatus() == null || node.getStatus().getConditions() == null
                ? Optional.empty()
                : node.getStatus().getConditions().stream()
                        .filter(condition -> type.equals(condition.getType()))
                        .findFirst();
    }

    private static String text(NodeCondition condition) {
        String message = Objects.requireNonNullElse(condition.getMessage(), "");
        return ShortLine.of(Objects.requireNonNullElse(condition.getReason(), "") + " " + message);
    }

    private static String runtime(Node node) {
        return ShortLine.of(Objects.requireNonNullElse(ClusterView.info(node).getContainerRuntimeVersion(), ""));
    }

    private static String name(Node node) {
        return node.getMetadata().getName();
    }
}
