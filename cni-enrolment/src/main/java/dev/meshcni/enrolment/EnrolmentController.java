// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.enrolment;

import static java.util.Objects.requireNonNull;

import dev.meshcni.ambient.AmbientEngine;
import dev.meshcni.ambient.AmbientException;
import dev.meshcni.ambient.AmbientPod;
import dev.meshcni.ambient.MeshStatus;
import dev.meshcni.config.DaemonException;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.PodSourceException;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.kubernetes.KubernetesPodSource;
import dev.meshcni.kubernetes.NodePod;
import dev.meshcni.kubernetes.PodIdentities;
import dev.meshcni.kubernetes.PodStore;
import dev.meshcni.libc.SharedDescriptor;
import dev.meshcni.ztunnel.ZtunnelException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reconciles the pods of the node with the mesh: what labels and annotations want of a pod against what is so, whenever
 * one of them may have changed, and now and then.
 */
final class EnrolmentController implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EnrolmentController.class);
    private static final int WORKERS = 4;
    private static final int MAX_CHANGES = 5;
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

    /** Without a ztunnel nothing that it has to do is waited for. */
    private static final Duration WITHOUT_ZTUNNEL = Duration.ofMillis(100);

    private static final Duration PATIENCE = Duration.ofSeconds(10);

    /**
     * How long a ztunnel may be away before pods that it serves are said not to be in the mesh: after a restart of this
     * agent it connects again after up to 15 s.
     */
    private static final Duration ZTUNNEL_RESTART = Duration.ofSeconds(20);

    private final KubernetesPodSource pods;
    private final EnrolmentDecision decision;
    private final AmbientEngine engine;
    private final StatusAnnotation status;
    private final RunningPods running;
    private final TakeOver takeOver;
    private final Supplier<Duration> timeWithoutZtunnel;
    private final Runnable restored;
    private final WorkQueue queue = new WorkQueue("enrolment", WORKERS, LONGEST_PAUSE, this::reconcile);

    /**
     * Pods that the watch has shown and that are gone, until the mesh has let go of them, by {@code namespace/name}.
     */
    private final Map<String, Set<AmbientPod>> gone = new ConcurrentHashMap<>();

    /** Pods of the mesh that the watch did not show in the last round, by UID. */
    private volatile Set<String> unknownBefore = Set.of();

    /** Why pods that should be in the mesh are not, or the other way round, by {@code namespace/name}. */
    private final Map<String, String> troubles = new ConcurrentHashMap<>();

    EnrolmentController(
            KubernetesPodSource pods,
            EnrolmentDecision decision,
            AmbientEngine engine,
            StatusAnnotation status,
            RunningPods running,
            TakeOver takeOver,
            Supplier<Duration> timeWithoutZtunnel,
            Runnable restored) {
        this.pods = requireNonNull(pods, "pods is null");
        this.decision = requireNonNull(decision, "decision is null");
        this.engine = requireNonNull(engine, "engine is null");
        this.status = requireNonNull(status, "status is null");
        this.running = requireNonNull(running, "running is null");
        this.takeOver = requireNonNull(takeOver, "takeOver is null");
        this.timeWithoutZtunnel = requireNonNull(timeWithoutZtunnel, "timeWithoutZtunnel is null");
        this.restored = requireNonNull(restored, "restored is null");
    }

    /**
     * Begins to follow pods and namespaces.
     *
     * @param events hears of each change of a pod: {@code add}, {@code update} or {@code delete}
     */
    void follow(NamespaceLabels namespaces, Duration interval, Consumer<String> events) {
        pods.listen(new PodStore.Listener() {
            // By UID; what the store holds as well.
            private final Map<String, NodePod> seen = new ConcurrentHashMap<>();

            @Override
            public void shown(NodePod pod) {
                NodePod before = seen.put(pod.pod().uid(), pod);
                events.accept(before == null ? "add" : "update");
                status.shown(pod);
                // Its rules are read in each reconciliation, which most changes of a pod's status are no reason for.
                if (before == null || matters(before, pod)) {
                    queue.add(pod.key());
                }
            }

            @Override
            public void gone(NodePod pod) {
                events.accept("delete");
                seen.remove(pod.pod().uid());
                status.gone(pod);
                letGoOf(MeshPods.of(pod));
            }
        });
        namespaces.listen(name -> pods.pods().stream()
                .filter(pod -> pod.pod().namespace().equals(name))
                .map(NodePod::key)
                .forEach(queue::add));
        if (interval.isPositive()) {
            queue.every(interval, this::round);
        }
    }

    /** Looks at all pods again: ztunnels have come or gone, or it is time. */
    void reconcileAll() {
        pods.pods().stream().map(NodePod::key).forEach(queue::add);
    }

    private void round() {
        try {
            List<String> differences = engine.sweepProbes();
            if (!differences.isEmpty()) {
                LOG.warn("exemption of the kubelet's probes restored: {}", shortened(differences));
                restored.run();
            }
        } catch (RedirectException e) {
            LOG.warn("cannot restore the exemption of the kubelet's probes, retrying: {}", e.getMessage());
        }
        letGoOfUnknown();
        reconcileAll();
    }

    /**
     * Lets go of pods of which the watch has never shown that they are gone, such as one that was deleted while its ADD
     * went on: those that it does not show in two rounds.
     */
    private void letGoOfUnknown() {
        Set<String> shown = pods.pods().stream().map(pod -> pod.pod().uid()).collect(Collectors.toSet());
        Set<String> unknown = new HashSet<>(engine.pods());
        unknown.removeAll(shown);
        for (String uid : unknown) {
            if (unknownBefore.contains(uid)) {
                engine.pod(uid).ifPresent(this::letGoOf);
            }
        }
        unknownBefore = unknown;
    }

    private void letGoOf(AmbientPod pod) {
        gone.compute(key(pod), (_, others) -> {
            Set<AmbientPod> all = others == null ? ConcurrentHashMap.newKeySet() : others;
            all.add(pod);
            return all;
        });
        queue.add(key(pod));
    }

    /** Returns whether a pod has changed in what this reconciles. */
    private static boolean matters(NodePod before, NodePod now) {
        return !now.pod().equals(before.pod())
                || now.stage() != before.stage()
                || now.started() != before.started()
                || now.bare() != before.bare()
                || !now.addresses().equals(before.addresses());
    }

    /** Why pods are not as they should be, by {@code namespace/name}. */
    Map<String, String> troubles() {
        return Map.copyOf(troubles);
    }

    @Override
    public void close() {
        queue.close();
    }

    /** Brings a pod nearer to what is wanted of it; returns whether nothing is left to do. */
    private boolean reconcile(String key) {
        try {
            letGo(key);
            Optional<NodePod> pod =
                    pods.pod(key).filter(shown -> !shown.bare() || shown.stage() == NodePod.Stage.FINISHED);
            if (pod.isPresent()) {
                reconcile(pod.get());
            }
            troubles.remove(key);
            return true;
        } catch (AmbientException | RedirectException | PodSourceException | DaemonException e) {
            if (waitsForZtunnel(e)) {
                // All pods are looked at again when one has come.
                troubles.put(key, e.getMessage());
                return true;
            }
            if (!e.getMessage().equals(troubles.put(key, e.getMessage()))) {
                LOG.warn("pod {} is not as it should be in the mesh, retrying: {}", key, e.getMessage());
            }
            return false;
        }
    }

    private static boolean waitsForZtunnel(RuntimeException failure) {
        return failure.getCause() instanceof ZtunnelException ztunnel
                && switch (ztunnel.reason()) {
                    case NEVER_CONNECTED, GONE, SILENT -> true;
                    case LATE, REFUSED, OVERTAKEN -> false;
                };
    }

    /** Lets go of pods that had this name. */
    private void letGo(String key) {
        for (AmbientPod pod : gone.getOrDefault(key, Set.of())) {
            if (engine.pod(pod.uid()).isPresent()) {
                engine.gone(pod, Deadline.after(PATIENCE));
            }
            gone.computeIfPresent(key, (_, others) -> {
                others.remove(pod);
                return others.isEmpty() ? null : others;
            });
        }
    }

    private void reconcile(NodePod pod) {
        AmbientPod member = MeshPods.of(pod);
        if (pod.stage() == NodePod.Stage.FINISHED || pod.pod().hostNetwork()) {
            end(member);
        } else if (decision.exclusion(pod).isEmpty()) {
            join(pod, member);
        } else {
            leave(pod, member);
        }
    }

    /** A pod that has no network namespace of its own, or none any more. */
    private void end(AmbientPod member) {
        if (engine.pod(member.uid()).isPresent()) {
            engine.gone(member, Deadline.after(PATIENCE));
        } else if (status.shown(member) != MeshStatus.NONE) {
            status.show(member, MeshStatus.NONE);
        }
    }

    private void join(NodePod pod, AmbientPod member) {
        if (TakeOver.isRunning(pod)) {
            takeOver.of(pod);
        }
        if (isZtunnelRestarting()) {
            return;
        }
        // A pod whose containers have not started is left to its ADD, and so is what that has left undone.
        List<String> changes =
                pod.started() ? engine.settle(member, patience()) : engine.settle(member.uid(), patience());
        if (!changes.isEmpty()) {
            LOG.warn("pod {} of the mesh was changed by others, restored: {}", pod.key(), shortened(changes));
            restored.run();
        }
    }

    private static String shortened(List<String> changes) {
        return changes.stream().limit(MAX_CHANGES).collect(Collectors.joining("; "))
                + (changes.size() > MAX_CHANGES ? "; and " + (changes.size() - MAX_CHANGES) + " more" : "");
    }

    private Deadline patience() {
        return Deadline.after(timeWithoutZtunnel.get().isZero() ? PATIENCE : WITHOUT_ZTUNNEL);
    }

    /** All pods are looked at again when it has come back. */
    private boolean isZtunnelRestarting() {
        Duration absence = timeWithoutZtunnel.get();
        return absence.isPositive() && absence.compareTo(ZTUNNEL_RESTART) < 0;
    }

    private void leave(NodePod pod, AmbientPod member) {
        if (engine.namespace(member.uid()).isPresent()) {
            engine.leave(member, Deadline.after(PATIENCE));
        } else if (engine.pod(member.uid()).isPresent() || StatusAnnotation.of(pod) != MeshStatus.NONE) {
            if (!pod.started()) {
                status.show(member, MeshStatus.NONE);
                return;
            }
            inNamespaceOf(pod, namespace -> engine.leave(member, namespace.path(), Deadline.after(PATIENCE)));
        }
    }

    private interface Visit {
        void of(SharedDescriptor namespace);
    }

    private void inNamespaceOf(NodePod pod, Visit visit) {
        Map<String, SharedDescriptor> namespaces = running.open(List.of(pod), new PodIdentities(pods.pods()));
        try {
            visit.of(Optional.ofNullable(namespaces.get(pod.pod().uid()))
                    .orElseThrow(() -> new PodSourceException(RunningPods.NOT_FOUND)));
        } finally {
            namespaces.values().forEach(SharedDescriptor::close);
        }
    }

    private static String key(AmbientPod pod) {
        return pod.namespace() + "/" + pod.name();
    }
}
