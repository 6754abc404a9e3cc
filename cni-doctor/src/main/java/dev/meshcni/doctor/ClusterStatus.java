// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import static java.util.Objects.requireNonNull;

import dev.meshcni.config.DaemonException;
import dev.meshcni.telemetry.AgentStatus;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.apps.DaemonSetStatus;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * The state of an installation at a glance: the DaemonSet, and of each node its daemon and its pods of the mesh.
 *
 * @param server the address of the API server
 * @param namespace the only namespace in which the DaemonSet was looked for; empty if it was in all
 * @param daemonSet the DaemonSet; empty if there is none
 * @param nodes the nodes that run Linux or have a daemon, by name
 * @param problems what could not be read, and why
 */
public record ClusterStatus(
        String server,
        Optional<String> namespace,
        Optional<Rollout> daemonSet,
        List<NodeState> nodes,
        List<String> problems) {
    public ClusterStatus {
        requireNonNull(server, "server is null");
        requireNonNull(namespace, "namespace is null");
        requireNonNull(daemonSet, "daemonSet is null");
        nodes = List.copyOf(nodes);
        problems = List.copyOf(problems);
    }

    /**
     * The rollout of the DaemonSet, by the number of its pods.
     *
     * @param name {@code namespace/name}
     * @param desired one for each node that it is for
     * @param ready those that are ready
     * @param updated those of its current template
     */
    public record Rollout(String name, int desired, int ready, int updated) {
        public Rollout {
            requireNonNull(name, "name is null");
        }

        static Rollout of(DaemonSet set) {
            DaemonSetStatus status = Objects.requireNonNullElseGet(set.getStatus(), DaemonSetStatus::new);
            return new Rollout(
                    set.getMetadata().getNamespace() + "/" + set.getMetadata().getName(),
                    Objects.requireNonNullElse(status.getDesiredNumberScheduled(), 0),
                    Objects.requireNonNullElse(status.getNumberReady(), 0),
                    Objects.requireNonNullElse(status.getUpdatedNumberScheduled(), 0));
        }

        /** Returns whether each pod is ready and of the current template. */
        public boolean isComplete() {
            return desired > 0 && ready >= desired && updated >= desired;
        }
    }

    /**
     * One node.
     *
     * @param name its name
     * @param daemon its daemon's state
     * @param agent what the daemon says of itself; empty if it did not answer
     * @param successor why the pod that is to replace the daemon does not start; empty if none is in such a state
     * @param meshPods the number of its pods whose traffic the CNI redirects
     * @param unredirected how many of them were stopped by their validation, as their traffic is not redirected
     */
    public record NodeState(
            String name,
            Daemon daemon,
            Optional<AgentStatus> agent,
            Optional<String> successor,
            int meshPods,
            int unredirected) {
        public NodeState {
            requireNonNull(name, "name is null");
            requireNonNull(daemon, "daemon is null");
            requireNonNull(agent, "agent is null");
            requireNonNull(successor, "successor is null");
        }
    }

    /** The state of a daemon. */
    public sealed interface Daemon {
        /** It is ready for pods. */
        record Ready() implements Daemon {}

        /** It runs, and says why it is not ready. */
        record NotReady(String reason) implements Daemon {}

        /** It could not be asked. */
        record Unknown(String reason) implements Daemon {}

        /** The node has none. */
        record Absent() implements Daemon {}
    }

    /**
     * Reads the state.
     *
     * @throws DaemonException if the kubeconfig cannot be used, or the API server does not answer
     */
    public static ClusterStatus read(ClusterSettings settings) {
        try (ClusterApi api = ClusterApi.open(settings)) {
            ClusterView view = ClusterView.of(api, settings.namespace());
            if (api.lost().isPresent()) {
                throw new DaemonException(api.address() + ": " + api.lost().get());
            }
            return of(api.address(), settings.namespace(), view, AgentStatuses.ask(api, view));
        }
    }

    private static ClusterStatus of(
            String server, Optional<String> namespace, ClusterView view, AgentStatuses statuses) {
        List<String> problems = new ArrayList<>();
        unknown("nodes", view.nodes(), problems);
        unknown("pods", view.pods(), problems);
        unknown("DaemonSets", view.daemonSets(), problems);
        Map<String, AgentStatuses.OfNode> agents = new HashMap<>();
        statuses.all().forEach(agent -> agents.merge(agent.node(), agent, ClusterStatus::running));
        List<String> names = new ArrayList<>(agents.keySet());
        view.nodes()
                .known()
                .orElse(List.of())
                .forEach(node -> names.add(node.getMetadata().getName()));
        List<ClusterPod> pods = view.pods().known().orElse(List.of()).stream()
                .filter(ClusterPod::needsCni)
                .toList();
        return new ClusterStatus(
                server,
                namespace,
                view.daemonSet().map(Rollout::of),
                names.stream()
                        .distinct()
                        .sorted(Comparator.naturalOrder())
                        .map(name -> node(
                                name, Optional.ofNullable(agents.get(name)), successor(name, agents, statuses), pods))
                        .toList(),
                problems);
    }

    /** Two pods of a node meet while it is updated: the one that answers tells more. */
    private static AgentStatuses.OfNode running(AgentStatuses.OfNode one, AgentStatuses.OfNode other) {
        return isReady(other) || one.status().known().isEmpty() ? other : one;
    }

    private static Optional<String> successor(
            String node, Map<String, AgentStatuses.OfNode> shown, AgentStatuses statuses) {
        return statuses.all().stream()
                .filter(agent -> agent.node().equals(node) && !agent.equals(shown.get(node)))
                .flatMap(agent -> PodTrouble.orEnding(agent.pod()).stream())
                .findFirst();
    }

    private static boolean isReady(AgentStatuses.OfNode agent) {
        return agent.status()
                .known()
                .filter(found -> found.notReady().isEmpty())
                .isPresent();
    }

    private static NodeState node(
            String name, Optional<AgentStatuses.OfNode> agent, Optional<String> successor, List<ClusterPod> pods) {
        List<ClusterPod> here =
                pods.stream().filter(pod -> pod.nodeName().equals(name)).toList();
        return new NodeState(
                name,
                agent.map(found -> daemon(found.status())).orElseGet(Daemon.Absent::new),
                agent.flatMap(found -> found.status().known()),
                successor,
                here.size(),
                (int) here.stream().filter(ClusterPod::failsValidation).count());
    }

    private static Daemon daemon(ApiResult<AgentStatus> status) {
        return switch (status) {
            case ApiResult.Known<AgentStatus>(AgentStatus found) ->
                found.notReady().<Daemon>map(Daemon.NotReady::new).orElseGet(Daemon.Ready::new);
            case ApiResult.Unknown<AgentStatus> unknown -> new Daemon.Unknown(unknown.why());
        };
    }

    private static void unknown(String what, ApiResult<?> result, List<String> problems) {
        if (result instanceof ApiResult.Unknown<?> unknown) {
            problems.add(what + ": " + unknown.why());
        }
    }

    /** Returns whether the rollout is complete, and each daemon that there is says that it is ready. */
    public boolean isReady() {
        return daemonSet.filter(Rollout::isComplete).isPresent()
                && problems.isEmpty()
                && nodes.stream()
                        .map(NodeState::daemon)
                        .allMatch(daemon -> daemon instanceof Daemon.Ready || daemon instanceof Daemon.Absent);
    }

    /** The number of pods whose traffic the CNI redirects. */
    public int meshPods() {
        return nodes.stream().mapToInt(NodeState::meshPods).sum();
    }

    /** The number of those that were stopped by their validation. */
    public int unredirected() {
        return nodes.stream().mapToInt(NodeState::unredirected).sum();
    }
}
