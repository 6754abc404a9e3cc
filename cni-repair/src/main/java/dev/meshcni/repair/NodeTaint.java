// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import static java.util.Objects.requireNonNull;

import dev.meshcni.kubernetes.ApiFailure;
import dev.meshcni.kubernetes.KubernetesApi;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps ordinary pods from being scheduled to this node while they would not be redirected: the node has the taint
 * {@value #KEY} ({@code NoSchedule}) until the daemon is ready. Pods that run already are not touched.
 *
 * <p>A readiness that is lost for a moment, such as when another component rewrites the configuration, is no reason.
 */
public final class NodeTaint implements AutoCloseable {
    /** The key of the taint. */
    public static final String KEY = "cni.istio.io/not-ready";

    private static final Logger LOG = LoggerFactory.getLogger(NodeTaint.class);
    private static final Duration INTERVAL = Duration.ofSeconds(1);
    private static final int MAX_PAUSE = 60;

    private final KubernetesApi api;
    private final Supplier<Optional<String>> notReady;
    private final Duration grace;
    private final ScheduledThreadPoolExecutor worker = new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().daemon().name("node-taint").factory());
    private Optional<Boolean> tainted = Optional.empty();
    private Optional<Long> lostNanos = Optional.empty();
    private int failures;
    private int pause;

    private NodeTaint(KubernetesApi api, Supplier<Optional<String>> notReady, Duration grace) {
        this.api = requireNonNull(api, "api is null");
        this.notReady = requireNonNull(notReady, "notReady is null");
        this.grace = requireNonNull(grace, "grace is null");
    }

    /**
     * Starts to keep the taint as the readiness is.
     *
     * @param notReady why the daemon is not ready; empty when it is
     * @param grace how long a readiness that was there must be lost before the taint is set again
     */
    public static NodeTaint start(KubernetesApi api, Supplier<Optional<String>> notReady, Duration grace) {
        NodeTaint taint = new NodeTaint(api, notReady, grace);
        Future<?> _ = taint.worker.scheduleWithFixedDelay(taint::check, 0, INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
        return taint;
    }

    /** Ends; the taint stays as it is. */
    @Override
    public void close() {
        worker.shutdownNow();
    }

    /** Stops, and removes the taint from the node, for an uninstallation. */
    public void remove() {
        close();
        try {
            api.taint(KEY, false);
        } catch (KubernetesClientException e) {
            LOG.warn("cannot remove taint {} from node {}: {}", KEY, api.nodeName(), why(e));
        }
    }

    private void check() {
        if (pause > 0) {
            pause--;
            return;
        }
        try {
            boolean wanted = isWanted();
            if (tainted.isEmpty() || tainted.get() != wanted) {
                api.taint(KEY, wanted);
                tainted = Optional.of(wanted);
                LOG.info("node {}: taint {} {}", api.nodeName(), KEY, wanted ? "set" : "removed");
            }
            failures = 0;
        } catch (RuntimeException e) {
            failures++;
            pause = Math.min(MAX_PAUSE, 1 << Math.min(failures, 10)) - 1;
            LOG.warn("cannot change taint {} of node {}: {}", KEY, api.nodeName(), why(e));
        }
    }

    private static String why(RuntimeException failure) {
        return ApiFailure.describe(failure, "get or patch on nodes");
    }

    private boolean isWanted() {
        if (notReady.get().isEmpty()) {
            lostNanos = Optional.empty();
            return false;
        }
        if (!tainted.equals(Optional.of(false))) {
            return true;
        }
        long now = System.nanoTime();
        lostNanos = lostNanos.or(() -> Optional.of(now));
        return now - lostNanos.get() >= grace.toNanos();
    }
}
