// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.enrolment;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
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
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);
    private static final int MAX_DOUBLINGS = 10;
    private static final Duration LAST_WORK = Duration.ofSeconds(2);

    /** What is done for a key. */
    @FunctionalInterface
    interface Work {
        /** Works; returns whether nothing is left to do, otherwise it is called again. */
        boolean on(String key);
    }

    private final Work work;
    private final ScheduledThreadPoolExecutor workers;

    // Guarded by this.
    private final Set<String> waiting = new HashSet<>();
    private final Set<String> working = new HashSet<>();
    private final Set<String> again = new HashSet<>();
    private final Map<String, Integer> failures = new HashMap<>();

    WorkQueue(String name, int threads, Work work) {
        this.work = requireNonNull(work, "work is null");
        this.workers = new ScheduledThreadPoolExecutor(
                threads, Thread.ofPlatform().daemon().name(name + "-", 1).factory());
        workers.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    }

    /** Has a key worked on as soon as a thread is free. */
    synchronized void add(String key) {
        if (working.contains(key)) {
            again.add(key);
        } else if (waiting.add(key)) {
            schedule(() -> process(key), Duration.ZERO);
        }
    }

    /** Has a key worked on after a time. */
    void addLater(String key, Duration pause) {
        schedule(() -> add(key), pause);
    }

    /** Does something else in one of the threads, again and again. */
    void every(Duration interval, Runnable action) {
        var _ = workers.scheduleWithFixedDelay(
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
        synchronized (this) {
            waiting.remove(key);
            working.add(key);
        }
        boolean done = guarded(() -> work.on(key));
        Duration pause = Duration.ZERO;
        boolean repeat;
        synchronized (this) {
            working.remove(key);
            repeat = again.remove(key);
            if (done) {
                failures.remove(key);
            } else {
                pause = pause(failures.merge(key, 1, Integer::sum));
            }
        }
        if (repeat) {
            add(key);
        } else if (!done) {
            addLater(key, pause);
        }
    }

    private static Duration pause(int failures) {
        Duration pause = FIRST_PAUSE.multipliedBy(1L << Math.min(failures - 1, MAX_DOUBLINGS));
        return pause.compareTo(LONGEST_PAUSE) < 0 ? pause : LONGEST_PAUSE;
    }

    /** One failure must not end the work on all other keys. */
    private static boolean guarded(BooleanSupplier action) {
        try {
            return action.getAsBoolean();
        } catch (RuntimeException e) {
            LOG.error("unexpected error", e);
            return false;
        }
    }

    private void schedule(Runnable task, Duration pause) {
        try {
            var _ = workers.schedule(task, pause.toMillis(), TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            LOG.debug("the queue is closed");
        }
    }
}
