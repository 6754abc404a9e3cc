// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.enrolment;

import static java.util.Objects.requireNonNull;

import dev.meshcni.ambient.AmbientEngine;
import dev.meshcni.ambient.AmbientException;
import dev.meshcni.ambient.MeshStatus;
import dev.meshcni.ambient.PodRules;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.PodSourceException;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.kubernetes.KubernetesPodSource;
import dev.meshcni.kubernetes.NodePod;
import dev.meshcni.kubernetes.PodIdentities;
import dev.meshcni.libc.SharedDescriptor;
import dev.meshcni.redirect.RedirectPolicy;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes over pods that run and whose network namespaces are not held yet: those of an earlier agent, and those that are
 * to join. One inspection of the node's processes finds the namespaces of all of them.
 */
final class TakeOver {
    private static final Logger LOG = LoggerFactory.getLogger(TakeOver.class);
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    /** How long a pod counts as not found, unless it is another one that is looked for. */
    private static final Duration PAUSE = Duration.ofSeconds(1);

    private final KubernetesPodSource pods;
    private final EnrolmentDecision decision;
    private final AmbientEngine engine;
    private final PodRules rules;
    private final RunningPods running;

    /** The UIDs of the pods that the last inspection has not found. Guarded by this. */
    private Set<String> notFound = Set.of();

    /** When it began. Guarded by this. */
    private long lastNanos;

    TakeOver(
            KubernetesPodSource pods,
            EnrolmentDecision decision,
            AmbientEngine engine,
            PodRules rules,
            RunningPods running) {
        this.pods = requireNonNull(pods, "pods is null");
        this.decision = requireNonNull(decision, "decision is null");
        this.engine = requireNonNull(engine, "engine is null");
        this.rules = requireNonNull(rules, "rules is null");
        this.running = requireNonNull(running, "running is null");
    }

    /**
     * Takes over the pods that run and should be in the mesh, or still have to leave it, so that all of them are known
     * before a ztunnel is told which there are: what is left out is cut off, should it have rules. All pods and
     * namespaces are known by now.
     */
    synchronized void ofEarlierAgent() {
        List<NodePod> present =
                pods.pods().stream().filter(TakeOver::hasOwnNetwork).toList();
        Map<String, SharedDescriptor> namespaces = open(present);
        int members = 0;
        try {
            for (NodePod pod : present) {
                Optional<SharedDescriptor> namespace =
                        Optional.ofNullable(namespaces.get(pod.pod().uid()));
                boolean shown = StatusAnnotation.of(pod) != MeshStatus.NONE;
                boolean known = shown || isWanted(pod);
                if (namespace.isPresent() && (known || hasRules(pod, namespace.get()))) {
                    members++;
                    attempt(pod, () -> adopt(pod, namespace.get()));
                } else if (shown) {
                    attempt(pod, () -> engine.expect(MeshPods.of(pod), Deadline.after(PATIENCE)));
                }
            }
        } finally {
            namespaces.values().forEach(SharedDescriptor::close);
        }
        LOG.info("ambient mesh: {} running pods of this node taken over", members);
    }

    /**
     * Has the engine hold the namespace of a pod that runs and is to join the mesh. All other pods of which the same
     * holds are taken over with it.
     *
     * @throws PodSourceException if it is not found
     */
    synchronized void of(NodePod pod) {
        if (isHeld(pod)) {
            return;
        }
        boolean missed = notFound.contains(pod.pod().uid()) && System.nanoTime() - lastNanos < PAUSE.toNanos();
        if (!missed) {
            lastNanos = System.nanoTime();
            List<NodePod> joining = Stream.concat(Stream.of(pod), pods.pods().stream())
                    .filter(other -> isRunning(other) && !isHeld(other) && isWanted(other))
                    .distinct()
                    .toList();
            takeOver(joining);
            notFound = joining.stream()
                    .filter(Predicate.not(this::isHeld))
                    .map(other -> other.pod().uid())
                    .collect(Collectors.toSet());
        }
        if (!isHeld(pod)) {
            throw new PodSourceException(RunningPods.NOT_FOUND);
        }
    }

    /** Returns whether a pod runs, with a network that its ADD has set up. */
    static boolean isRunning(NodePod pod) {
        return pod.started() && pod.stage() == NodePod.Stage.LIVE && hasOwnNetwork(pod);
    }

    private void takeOver(Collection<NodePod> joining) {
        Map<String, SharedDescriptor> namespaces = open(joining);
        try {
            for (NodePod pod : joining) {
                SharedDescriptor namespace = namespaces.get(pod.pod().uid());
                if (namespace != null) {
                    LOG.info("pod {} runs and is not in the mesh: enrolling it", pod.key());
                    attempt(pod, () -> adopt(pod, namespace));
                }
            }
        } finally {
            namespaces.values().forEach(SharedDescriptor::close);
        }
    }

    private void adopt(NodePod pod, SharedDescriptor namespace) {
        engine.adopt(MeshPods.of(pod), namespace.path(), Deadline.after(PATIENCE));
    }

    /** One pod must not keep the others from being taken over. */
    private static void attempt(NodePod pod, Runnable action) {
        try {
            action.run();
        } catch (AmbientException | RedirectException e) {
            LOG.warn("cannot take over pod {}: {}", pod.key(), e.getMessage());
        }
    }

    private Map<String, SharedDescriptor> open(Collection<NodePod> wanted) {
        return running.open(wanted, new PodIdentities(pods.pods()));
    }

    private boolean isHeld(NodePod pod) {
        return engine.isHeld(pod.pod().uid());
    }

    private boolean isWanted(NodePod pod) {
        try {
            return !pod.bare() && decision.exclusion(pod).isEmpty();
        } catch (PodSourceException e) {
            return false;
        }
    }

    /**
     * Returns whether a pod has the rules of the mesh although nothing says so: its agent has ended before the status
     * was written, and its label was removed since.
     */
    private boolean hasRules(NodePod pod, SharedDescriptor namespace) {
        if (pod.bare() || pod.pod().annotations().containsKey(RedirectPolicy.STATUS)) {
            return false;
        }
        try {
            return switch (rules.state(MeshPods.of(pod), namespace)) {
                case AS_WANTED, PARTIAL -> true;
                case ABSENT, DIFFERENT -> false;
            };
        } catch (RedirectException e) {
            LOG.debug("pod {}: {}", pod.key(), e.getMessage());
            return false;
        }
    }

    private static boolean hasOwnNetwork(NodePod pod) {
        return pod.stage() != NodePod.Stage.FINISHED && !pod.pod().hostNetwork();
    }
}
