// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import static java.util.Objects.requireNonNull;

import dev.meshcni.kubernetes.KubernetesPodSource;
import dev.meshcni.kubernetes.NodePod;
import dev.meshcni.kubernetes.PodIdentities;
import dev.meshcni.kubernetes.PodStore;
import dev.meshcni.rules.RuleDifference;
import dev.meshcni.telemetry.AgentMetrics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the pods of this node that run without their redirection, and has them dealt with.
 *
 * <p>Each pod that this agent has not redirected itself is looked into once, when its containers have started, and
 * again when its validation fails; a slow round looks at all. After the plugin was missing from the configuration, the
 * pods that this agent has not redirected are inspected as soon as they have a process, before their containers start.
 * Only what was seen in the pod's namespace leads to a change: how a container ended is what the pod's author wants it
 * to say, so that it is a reason to look, and no more. One thread does all of it.
 */
public final class RepairController implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RepairController.class);
    private static final Duration BATCH = Duration.ofMillis(100);
    private static final Duration LOOK_AGAIN = Duration.ofSeconds(10);
    private static final Duration FIRST_RETRY = Duration.ofSeconds(1);
    private static final Duration LAST_WORK = Duration.ofSeconds(10);

    /** The time in which pods may still start that the runtime has set up with the previous configuration. */
    private static final Duration LATE_SANDBOXES = Duration.ofSeconds(20);

    private static final Duration SANDBOX_POLL = Duration.ofMillis(100);
    private static final int MAX_ATTEMPTS = 5;
    private static final int SLICES = 10;
    private static final int SHOWN_DIFFERENCES = 3;

    /** The repair state of a pod; {@code attempts} counts failed attempts. */
    private record Case(String uid, boolean settled, int attempts, long lookedNanos) {}

    private final KubernetesPodSource pods;
    private final PodInspector inspector;
    private final RepairAction action;
    private final RepairSettings settings;
    private final Predicate<String> redirectedHere;
    private final AgentMetrics metrics;
    private final Map<String, Case> cases = new ConcurrentHashMap<>();
    private final ReportedPods unredirected = new ReportedPods();
    private final ReportedPods drifted = new ReportedPods();
    private final ReportedPods unreadable = new ReportedPods();
    private final Set<String> pending = new LinkedHashSet<>();
    private final ScheduledThreadPoolExecutor worker = new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().daemon().name("repair").factory());
    private long sandboxesUntilNanos;
    private boolean watchesSandboxes;
    private int slice;
    private String blindness = "";

    private RepairController(
            KubernetesPodSource pods,
            PodInspector inspector,
            RepairAction action,
            RepairSettings settings,
            Predicate<String> redirectedHere,
            AgentMetrics metrics) {
        this.pods = requireNonNull(pods, "pods is null");
        this.inspector = requireNonNull(inspector, "inspector is null");
        this.action = requireNonNull(action, "action is null");
        this.settings = requireNonNull(settings, "settings is null");
        this.redirectedHere = requireNonNull(redirectedHere, "redirectedHere is null");
        this.metrics = requireNonNull(metrics, "metrics is null");
    }

    /**
     * Starts to inspect pods.
     *
     * @param redirectedHere whether this agent has redirected the pod of a UID itself
     */
    public static RepairController start(
            KubernetesPodSource pods,
            PodInspector inspector,
            RepairAction action,
            RepairSettings settings,
            Predicate<String> redirectedHere,
            AgentMetrics metrics) {
        RepairController controller = new RepairController(pods, inspector, action, settings, redirectedHere, metrics);
        pods.listen(new PodStore.Listener() {
            @Override
            public void shown(NodePod pod) {
                controller.consider(pod);
            }

            @Override
            public void gone(NodePod pod) {
                controller.forget(pod.key());
            }
        });
        controller.startRounds();
        return controller;
    }

    /**
     * The plugin was missing from the configuration until now: pods of which the runtime has made the sandbox meanwhile
     * are inspected as soon as it runs, and not only when a container has started. There are runtimes whose sandbox
     * runs before ADD has come to its end, so that pods are only redirected this early, and not deleted or labelled.
     */
    public void pluginWasMissing() {
        if (settings.mode() != RepairSettings.Mode.REPAIR) {
            return;
        }
        schedule(
                () -> {
                    sandboxesUntilNanos = System.nanoTime() + LATE_SANDBOXES.toNanos();
                    if (!watchesSandboxes) {
                        watchesSandboxes = true;
                        lookAtSandboxes();
                    }
                },
                Duration.ZERO);
    }

    @Override
    public void close() {
        worker.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        worker.shutdown();
        try {
            if (!worker.awaitTermination(LAST_WORK.toMillis(), TimeUnit.MILLISECONDS)) {
                LOG.warn("a repair is still in progress at shutdown; the next start resumes it");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void startRounds() {
        if (settings.driftInterval().isPositive()) {
            long pause = Math.max(1, settings.driftInterval().dividedBy(SLICES).toMillis());
            Future<?> _ =
                    worker.scheduleWithFixedDelay(() -> guarded(this::round), pause, pause, TimeUnit.MILLISECONDS);
        }
    }

    private void consider(NodePod pod) {
        if (pod.stage() != NodePod.Stage.LIVE) {
            forget(pod.key());
        } else if (isCandidate(pod) && needsLook(pod)) {
            enqueue(pod.key(), BATCH);
        }
    }

    private void forget(String key) {
        cases.remove(key);
        schedule(
                () -> {
                    clear(key);
                    count();
                },
                Duration.ZERO);
    }

    private void clear(String key) {
        unredirected.remove(key);
        drifted.remove(key);
        unreadable.remove(key);
    }

    private static boolean isCandidate(NodePod pod) {
        return pod.started() && hasOwnNetwork(pod);
    }

    private static boolean hasOwnNetwork(NodePod pod) {
        return pod.selected() && pod.stage() == NodePod.Stage.LIVE && !pod.pod().hostNetwork();
    }

    /** Returns whether a pod may have been set up without our plugin: this agent knows nothing of it yet. */
    private boolean isUnaccounted(NodePod pod) {
        Case known = cases.get(pod.key());
        return hasOwnNetwork(pod)
                && (known == null || !known.uid().equals(pod.pod().uid()))
                && !redirectedHere.test(pod.pod().uid());
    }

    private boolean needsLook(NodePod pod) {
        Case known = cases.get(pod.key());
        boolean crashes = settings.crash().matches(pod);
        if (known == null || !known.uid().equals(pod.pod().uid())) {
            return crashes || !redirectedHere.test(pod.pod().uid());
        }
        return crashes && known.settled() && System.nanoTime() - known.lookedNanos() > LOOK_AGAIN.toNanos();
    }

    private void enqueue(String key, Duration pause) {
        synchronized (pending) {
            boolean first = pending.isEmpty();
            pending.add(key);
            if (!first) {
                return;
            }
        }
        schedule(this::lookAtPending, pause);
    }

    private void enqueueLater(String key, Duration pause) {
        schedule(() -> enqueue(key, Duration.ZERO), pause);
    }

    private void lookAtPending() {
        List<String> keys;
        synchronized (pending) {
            keys = List.copyOf(pending);
            pending.clear();
        }
        lookAt(keys, RepairController::isCandidate, false);
    }

    /** Inspects the pods that may have been set up without our plugin; those without a process have to wait. */
    private void lookAtSandboxes() {
        try {
            lookAt(
                    pods.pods().stream()
                            .filter(this::isUnaccounted)
                            .map(NodePod::key)
                            .toList(),
                    this::isUnaccounted,
                    true);
        } finally {
            watchesSandboxes = System.nanoTime() - sandboxesUntilNanos < 0;
            if (watchesSandboxes) {
                schedule(this::lookAtSandboxes, SANDBOX_POLL);
            }
        }
    }

    /** Inspects the next part of all pods, so that the work is spread over the interval. */
    private void round() {
        int part = slice;
        slice = (slice + 1) % SLICES;
        lookAt(
                pods.pods().stream()
                        .map(NodePod::key)
                        .filter(key -> Math.floorMod(key.hashCode(), SLICES) == part)
                        .toList(),
                RepairController::isCandidate,
                true);
    }

    private void lookAt(List<String> keys, Predicate<NodePod> which, boolean round) {
        List<NodePod> candidates = keys.stream()
                .flatMap(key -> pods.pod(key).stream())
                .filter(which)
                .toList();
        if (candidates.isEmpty()) {
            return;
        }
        Map<NodePod, PodInspection> looks = inspector.look(candidates, new PodIdentities(pods.pods()));
        candidates.stream().filter(looks::containsKey).forEach(pod -> judge(pod, looks.get(pod), round));
        count();
    }

    private void count() {
        metrics.drifted(unredirected.size() + drifted.size());
        metrics.unredirected(unredirected.size());
        metrics.unreadable(unreadable.size());
        metrics.repairSuspended(unredirected.size() > 0 && action.isSuspended());
    }

    /** Keeps the last known state of what cannot be seen now. */
    private void judge(NodePod pod, PodInspection look, boolean round) {
        switch (look) {
            case PodInspection.NotMeant _, PodInspection.AsPlanned _ -> fine(pod);
            case PodInspection.Absent absent -> absent(pod, absent);
            case PodInspection.Changed changed -> drift(pod, changed);
            case PodInspection.Unreadable found -> unreadable(pod, found);
            case PodInspection.Blind blind -> blind(pod, blind);
            case PodInspection.Idle _ -> idle(pod);
            case PodInspection.Unseen unseen -> unseen(pod, unseen, round);
        }
    }

    private void fine(NodePod pod) {
        clear(pod.key());
        settle(pod);
    }

    private void absent(NodePod pod, PodInspection.Absent absent) {
        drifted.remove(pod.key());
        unreadable.remove(pod.key());
        unredirected.add(pod);
        after(pod, action.unredirected(pod, absent.namespace(), absent.plan()));
    }

    private void drift(NodePod pod, PodInspection.Changed changed) {
        unredirected.remove(pod.key());
        unreadable.remove(pod.key());
        boolean news = drifted.add(pod);
        if (settings.driftRepair()) {
            after(pod, action.mend(pod, changed.namespace(), changed.plan()));
            return;
        }
        settle(pod);
        if (news) {
            LOG.warn("redirection of pod {} has drifted: {}", pod.key(), text(changed.differences()));
        }
    }

    /** A pod whose rules cannot be read is reported like one with wrong rules, until they can be read. */
    private void unreadable(NodePod pod, PodInspection.Unreadable found) {
        settle(pod);
        unredirected.remove(pod.key());
        drifted.remove(pod.key());
        if (unreadable.add(pod)) {
            LOG.warn("cannot read the rules of pod {}, redirection unknown: {}", pod.key(), found.why());
        }
    }

    private void blind(NodePod pod, PodInspection.Blind blind) {
        if (!blindness.equals(blind.why())) {
            blindness = blind.why();
            LOG.warn("cannot inspect pods: {}", blind.why());
        }
        settle(pod);
    }

    /**
     * After a reboot the API shows pods as running that the kubelet has yet to start. That start is a change of the
     * pod, and leads to another look unless its ADD is answered by this agent.
     */
    private void idle(NodePod pod) {
        LOG.debug("no process of pod {} runs in a network namespace of its own", pod.key());
        cases.remove(pod.key());
    }

    private void unseen(NodePod pod, PodInspection.Unseen unseen, boolean round) {
        LOG.debug("cannot inspect pod {}: {}", pod.key(), unseen.why());
        if (!round) {
            retry(pod, unseen.why());
        }
    }

    private void after(NodePod pod, RepairAction.Next next) {
        switch (next) {
            case RepairAction.Next.Mended _ -> fine(pod);
            case RepairAction.Next.Settled _ -> settle(pod);
            case RepairAction.Next.Failed _ -> retry(pod, "repair failed");
            case RepairAction.Next.Later later -> {
                open(pod, attempts(pod));
                enqueueLater(pod.key(), later.pause());
            }
        }
    }

    private void settle(NodePod pod) {
        cases.put(pod.key(), new Case(pod.pod().uid(), true, 0, System.nanoTime()));
    }

    /** After a number of attempts it is left to the slow round, or to its next crash. */
    private void retry(NodePod pod, String why) {
        int attempts = attempts(pod) + 1;
        if (attempts >= MAX_ATTEMPTS) {
            LOG.warn("pod {} not repaired, retrying in the next round: {}", pod.key(), why);
            settle(pod);
            return;
        }
        open(pod, attempts);
        enqueueLater(pod.key(), FIRST_RETRY.multipliedBy(1L << (attempts - 1)));
    }

    private int attempts(NodePod pod) {
        Case known = cases.get(pod.key());
        return known != null && !known.settled() && known.uid().equals(pod.pod().uid()) ? known.attempts() : 0;
    }

    private void open(NodePod pod, int attempts) {
        cases.put(pod.key(), new Case(pod.pod().uid(), false, attempts, System.nanoTime()));
    }

    private void schedule(Runnable work, Duration pause) {
        try {
            Future<?> _ = worker.schedule(() -> guarded(work), pause.toMillis(), TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            LOG.debug("repair controller has stopped");
        }
    }

    /** Catches failures of one inspection, so that later ones still run. */
    private void guarded(Runnable work) {
        try {
            work.run();
        } catch (RuntimeException e) {
            LOG.error("unexpected error in repair", e);
        }
    }

    private static String text(List<RuleDifference> differences) {
        List<RuleDifference> shown =
                new ArrayList<>(differences.stream().limit(SHOWN_DIFFERENCES).toList());
        int more = differences.size() - shown.size();
        return shown.stream().map(RuleDifference::toString).collect(Collectors.joining("; "))
                + (more > 0 ? "; and " + more + " more" : "");
    }
}
