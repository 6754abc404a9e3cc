// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.enrolment;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keys that wait for work, in the way of client-go's work queue: a key that waits already is not added twice, no two
 * threads work on the same key, and what fails comes again after a pause that grows. For any thread.
 */
final class WorkQueue implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WorkQueue.class);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(50);
    private static final int MAX_DOUBLINGS = 16;
    private static final Duration LAST_WORK = Duration.ofSeconds(2);

    /** What is done for a key. */
    @FunctionalInterface
    interface Work {
        /** Works; returns whether nothing is left to do, otherwise it is called again. */
        boolean on(String key);
    }

    private final Work work;
    private final ScheduledThreadPoolExecutor workers;

    private final Duration longestPause;

    // Guarded by this.
    private final Map<String, Future<?>> waiting = new HashMap<>();
    private final Set<String> working = new HashSet<>();
    private final Set<String> again = new HashSet<>();
    private final Map<String, Integer> failures = new HashMap<>();
    private boolean closed;

    /** @param longestPause the longest time after which what failed comes again */
    WorkQueue(String name, int threads, Duration longestPause, Work work) {
        this.work = requireNonNull(work, "work is null");
        this.longestPause = requireNonNull(longestPause, "longestPause is null");
        this.workers = new ScheduledThreadPoolExecutor(
                threads, Thread.ofPlatform().daemon().name(name + "-", 1).factory());
        workers.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        workers.setRemoveOnCancelPolicy(true);
    }

    /** Has a key worked on as soon as a thread is free, also one that is waiting for its next attempt. */
    synchronized void add(String key) {
        if (working.contains(key)) {
            again.add(key);
        } else {
            schedule(key, Duration.ZERO);
        }
    }

    /** Does something else in one of the threads, again and again. */
    void every(Duration interval, Runnable action) {
        Future<?> _ = workers.scheduleWithFixedDelay(
                () -> guarded(() -> {
                    action.run();
                    return true;
                }),
                interval.toMillis(),
                interval.toMillis(),
                TimeUnit.MILLISECONDS);
    }

    /** Lets the work that goes on come to its end, and drops the rest. */
    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            waiting.values().forEach(future -> future.cancel(false));
            waiting.clear();
        }
        workers.shutdown();
        try {
            if (!workers.awaitTermination(LAST_WORK.toMillis(), TimeUnit.MILLISECONDS)) {
                workers.shutdownNow();
            }
        } catch (InterruptedException e) {
            workers.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }

    private void process(String key) {
        if (!begin(key)) {
            return;
        }
        boolean done = false;
        try {
            done = guarded(() -> work.on(key));
        } finally {
            end(key, done);
        }
    }

    private synchronized boolean begin(String key) {
        waiting.remove(key);
        if (closed) {
            return false;
        }
        if (!working.add(key)) {
            again.add(key);
            return false;
        }
        return true;
    }

    private synchronized void end(String key, boolean done) {
        working.remove(key);
        boolean repeat = again.remove(key);
        if (done) {
            failures.remove(key);
        }
        if (repeat) {
            schedule(key, Duration.ZERO);
        } else if (!done) {
            schedule(key, pause(failures.merge(key, 1, Integer::sum)));
        }
    }

    private Duration pause(int count) {
        Duration pause = FIRST_PAUSE.multipliedBy(1L << Math.min(count - 1, MAX_DOUBLINGS));
        return pause.compareTo(longestPause) < 0 ? pause : longestPause;
    }

    /** One failure must not end the work on all other keys. */
    private static boolean guarded(BooleanSupplier action) {
        try {
            return action.getAsBoolean();
        } catch (RuntimeException | LinkageError | StackOverflowError e) {
            LOG.error("unexpected error", e);
            return false;
        }
    }

    /** Of a key there is one that waits: the one that comes first. */
    private synchronized void schedule(String key, Duration pause) {
        if (closed) {
            return;
        }
        Future<?> before = waiting.get(key);
        if (before != null) {
            if (!pause.isZero()) {
                return;
            }
            before.cancel(false);
        }
        waiting.put(key, workers.schedule(() -> process(key), pause.toMillis(), TimeUnit.MILLISECONDS));
    }
}
