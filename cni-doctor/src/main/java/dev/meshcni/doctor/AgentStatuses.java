// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import dev.meshcni.config.DaemonException;
import dev.meshcni.telemetry.AgentStatus;
import dev.meshcni.telemetry.MonitoringOptions;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.HTTPGetAction;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Probe;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * The status reported by the daemons of a cluster.
 *
 * @param all the answer of each daemon that runs, in the order of the nodes
 */
record AgentStatuses(List<OfNode> all) {
    /** A cluster has many nodes, and some of them may not answer. */
    private static final int AT_ONCE = 16;

    /**
     * The status reported by the daemon of a node.
     *
     * @param node the node
     * @param pod the daemon's pod
     * @param status its answer
     */
    record OfNode(String node, Pod pod, ApiResult<AgentStatus> status) {}

    AgentStatuses {
        all = List.copyOf(all);
    }

    /** Asks each daemon that runs. */
    static AgentStatuses ask(ClusterApi api, ClusterView view) {
        List<Callable<OfNode>> questions = view.agents().stream()
                .map(pod -> (Callable<OfNode>)
                        () -> new OfNode(ClusterView.nodeName(pod).orElseThrow(), pod, ask(api, pod)))
                .toList();
        try (ExecutorService threads =
                Executors.newFixedThreadPool(AT_ONCE, Thread.ofVirtual().factory())) {
            return new AgentStatuses(
                    threads.invokeAll(questions).stream().map(Future::resultNow).toList());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DaemonException("interrupted while querying the daemons", e);
        }
    }

    /** The answers that came. */
    List<AgentStatus> known() {
        return all.stream().flatMap(agent -> agent.status().known().stream()).toList();
    }

    private static ApiResult<AgentStatus> ask(ClusterApi api, Pod pod) {
        String phase = pod.getStatus() == null ? "" : pod.getStatus().getPhase();
        Optional<String> trouble = PodTrouble.of(pod);
        if (!"Running".equals(phase) || trouble.isPresent()) {
            return new ApiResult.Unknown<>(
                    "its pod is " + (phase == null || phase.isEmpty() ? "not running" : phase)
                            + trouble.map(why -> ", " + why).orElse(""),
                    "kubectl describe pod --namespace " + pod.getMetadata().getNamespace() + " "
                            + pod.getMetadata().getName());
        }
        return api.agentStatus(
                pod.getMetadata().getNamespace(), pod.getMetadata().getName(), healthPort(pod));
    }

    /** The port that the kubelet probes. */
    private static int healthPort(Pod pod) {
        return pod.getSpec().getContainers().stream()
                .map(Container::getReadinessProbe)
                .flatMap(probe -> Optional.ofNullable(probe).map(Probe::getHttpGet).stream())
                .map(HTTPGetAction::getPort)
                .filter(port -> port != null && port.getIntVal() != null)
                .map(port -> port.getIntVal())
                .findFirst()
                .orElse(MonitoringOptions.HEALTH_PORT);
    }
}
