// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static java.util.Objects.requireNonNull;

import dev.meshcni.api.conf.Finding;
import dev.meshcni.kubernetes.KubernetesApi;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks the API server whether the daemon's ServiceAccount has the rights that it needs, at the start and then at
 * intervals, so that the log and {@code meshcni doctor --cluster} name those that it lacks before one is needed: at an
 * uninstallation, say, or when a watch is interrupted.
 */
final class RightsCheck implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RightsCheck.class);
    private static final Duration INTERVAL = Duration.ofMinutes(5);
    private static final Duration RETRY = Duration.ofSeconds(10);

    private final KubernetesApi api;
    private final List<RequiredRight> required;
    private final ScheduledThreadPoolExecutor worker = new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().daemon().name("rights").factory());
    private volatile List<RequiredRight> missing = List.of();

    private RightsCheck(KubernetesApi api, List<RequiredRight> required) {
        this.api = requireNonNull(api, "api is null");
        this.required = List.copyOf(required);
    }

    /** Starts to ask; nothing is waited for. */
    static RightsCheck start(KubernetesApi api, List<RequiredRight> required) {
        RightsCheck check = new RightsCheck(api, required);
        check.next(Duration.ZERO);
        return check;
    }

    /** The rights that are missing, for {@code /status}. */
    List<Finding> findings() {
        return missing.stream()
                .map(right -> Finding.warning(
                        "the daemon's ServiceAccount lacks " + right.text() + ": " + right.without(),
                        "apply the manifests again: docs/rbac.md lists the permissions"))
                .toList();
    }

    @Override
    public void close() {
        worker.shutdownNow();
    }

    private void next(Duration delay) {
        if (!worker.isShutdown()) {
            Future<?> _ = worker.schedule(this::check, delay.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    private void check() {
        List<RequiredRight> now = new ArrayList<>();
        for (RequiredRight right : required) {
            Optional<Boolean> allowed = api.allows(right.right());
            if (allowed.isEmpty()) {
                next(RETRY);
                return;
            }
            if (!allowed.get()) {
                now.add(right);
            }
        }
        report(now);
        missing = List.copyOf(now);
        next(INTERVAL);
    }

    private void report(List<RequiredRight> now) {
        now.stream()
                .filter(right -> !missing.contains(right))
                .forEach(right -> LOG.warn(
                        "the daemon's ServiceAccount lacks {}: {}; docs/rbac.md lists the permissions",
                        right.text(),
                        right.without()));
        missing.stream()
                .filter(right -> !now.contains(right))
                .forEach(right -> LOG.info("resolved: the daemon's ServiceAccount has {}", right.text()));
    }
}
