// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import static java.util.Objects.requireNonNull;

import dev.meshcni.kubernetes.ApiFailure;
import dev.meshcni.kubernetes.KubernetesApi;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps ordinary pods from being scheduled to this node while they would not be redirected: the node has the taint
 * {@value #KEY} ({@code NoSchedule}) until the daemon is ready. Pods that run already are not touched.
 *
 * <p>What the node should have is compared with what it has as long as the daemon runs, so that a taint that another
 * component sets or removes, or that a node has when it registers again, does not last. A readiness that is lost for a
 * moment, such as when another component rewrites the configuration, is no reason for a taint.
 */
public final class NodeTaint implements AutoCloseable {
    /** The key of the taint. */
    public static final String KEY = "cni.istio.io/not-ready";

    private static final Logger LOG = LoggerFactory.getLogger(NodeTaint.class);
    private static final Duration INTERVAL = Duration.ofSeconds(1);
    private static final int MAX_PAUSE = 60;

    /** The interval in which a node that cannot be watched is read, in rounds. */
    private static final int UNWATCHED_ROUNDS = 60;

    private final KubernetesApi api;
    private final Situation situation;
    private final NodeWatch node;
    private final ScheduledThreadPoolExecutor worker = new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().daemon().name("node-taint").factory());
    private Optional<Boolean> tainted = Optional.empty();
    private Optional<Long> lostNanos = Optional.empty();
    private boolean wasReady;
    private int unwatched;
    private int failures;
    private int pause;

    /**
     * What the taint depends on.
     *
     * @param notReady why the daemon is not ready; empty when it is
     * @param serves whether this daemon is the one that serves the node: of two, only the newer one is
     * @param grace how long a readiness must be lost before the taint is set
     * @param fresh whether no daemon has served this node before, so that pods would start without redirection: the
     *     taint is then set without grace
     */
    public record Situation(
            Supplier<Optional<String>> notReady, BooleanSupplier serves, Duration grace, boolean fresh) {
        public Situation {
            requireNonNull(notReady, "notReady is null");
            requireNonNull(serves, "serves is null");
            requireNonNull(grace, "grace is null");
        }
    }

    private NodeTaint(KubernetesApi api, Situation situation) {
        this.api = requireNonNull(api, "api is null");
        this.situation = requireNonNull(situation, "situation is null");
        this.node = NodeWatch.start(api);
    }

    /** Starts to keep the taint as the readiness is. */
    public static NodeTaint start(KubernetesApi api, Situation situation) {
        return start(api, situation, INTERVAL);
    }

    /** Starts with rounds in another interval. */
    static NodeTaint start(KubernetesApi api, Situation situation, Duration interval) {
        NodeTaint taint = new NodeTaint(api, situation);
        Future<?> _ = taint.worker.scheduleWithFixedDelay(taint::check, 0, interval.toMillis(), TimeUnit.MILLISECONDS);
        return taint;
    }

    /** Ends; the taint stays as it is. */
    @Override
    public void close() {
        worker.shutdownNow();
        node.close();
    }

    /**
     * Stops, and removes the taint from the node, for an uninstallation.
     *
     * @param patience how long that may take
     * @return why the taint may still be there, and how to remove it; empty if it is not
     */
    public Optional<String> remove(Duration patience) {
        boolean absent = node.hasTaint(KEY).equals(Optional.of(false));
        close();
        if (absent) {
            return Optional.empty();
        }
        FutureTask<Void> removal = new FutureTask<>(() -> {
            // A change that was under way would come after this one.
            boolean _ = worker.awaitTermination(patience.toMillis(), TimeUnit.MILLISECONDS);
            api.taint(KEY, false);
            return null;
        });
        Thread.ofVirtual().name("node-taint-removal").start(removal);
        try {
            removal.get(patience.toMillis(), TimeUnit.MILLISECONDS);
            return Optional.empty();
        } catch (ExecutionException e) {
            return Optional.of(left(why(e.getCause())));
        } catch (TimeoutException e) {
            return Optional.of(left("no answer within " + patience.toMillis() + " ms"));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.of(left("interrupted"));
        }
    }

    private String left(String why) {
        return "cannot remove taint " + KEY + " from node " + api.nodeName() + ": " + why
                + "; remove it with: kubectl taint nodes " + api.nodeName() + " " + KEY + "-";
    }

    private void check() {
        if (pause > 0) {
            pause--;
            return;
        }
        try {
            if (situation.serves().getAsBoolean()) {
                reconcile();
            }
            failures = 0;
        } catch (RuntimeException e) {
            failures++;
            pause = Math.min(MAX_PAUSE, 1 << Math.min(failures, 10)) - 1;
            LOG.warn("cannot change taint {} of node {}: {}", KEY, api.nodeName(), why(e));
        }
    }

    /**
     * Nothing is changed before the node was seen: a taint that is there has its reason until the daemon is ready. What
     * is wanted may have changed while the node was being changed, so it is asked for once more at once: a daemon that
     * is ready, and may be uninstalled, should not leave the taint until the next round.
     */
    private void reconcile() {
        see();
        for (int i = 0; i < 2 && tainted.isPresent(); i++) {
            boolean wanted = isWanted(tainted.get());
            if (tainted.get() == wanted) {
                return;
            }
            if (api.taint(KEY, wanted)) {
                LOG.info("node {}: taint {} {}", api.nodeName(), KEY, wanted ? "set" : "removed");
            }
            tainted = Optional.of(wanted);
        }
    }

    private void see() {
        Optional<Boolean> watched = node.hasTaint(KEY);
        if (watched.isPresent()) {
            tainted = watched;
            unwatched = 0;
        } else if (unwatched++ % UNWATCHED_ROUNDS == 0) {
            tainted = api.hasTaint(KEY);
        }
    }

    /**
     * Returns whether the node should have the taint. One that is there stays until the daemon is ready; a node without
     * it gets it once readiness has been lost for long enough, or at once where no daemon was before.
     */
    private boolean isWanted(boolean present) {
        if (situation.notReady().get().isEmpty()) {
            lostNanos = Optional.empty();
            wasReady = true;
            return false;
        }
        if (present || (situation.fresh() && !wasReady)) {
            return true;
        }
        long now = System.nanoTime();
        lostNanos = lostNanos.or(() -> Optional.of(now));
        return now - lostNanos.get() >= situation.grace().toNanos();
    }

    private static String why(Throwable failure) {
        return ApiFailure.describe(failure, "get or patch on nodes");
    }
}
