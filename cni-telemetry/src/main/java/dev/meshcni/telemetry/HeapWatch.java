// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.telemetry;

import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Warns before the heap is full. What is in use holds garbage, too; the heap is collected long before it stays so full
 * for so long (record 16 says with which options). Gives back what a burst of calls has taken, too.
 */
public final class HeapWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(HeapWatch.class);
    private static final Duration INTERVAL = Duration.ofSeconds(10);
    private static final Duration TRIM_INTERVAL = Duration.ofSeconds(1);
    private static final int FULL_PERCENT = 85;
    private static final int LOOKS = 3;
    private static final int MEBIBYTE = 1 << 20;

    private final LongSupplier used;
    private final LongSupplier most;
    private final ScheduledExecutorService worker = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("heap-watch").factory());
    private int full;

    /**
     * @param used bytes in use
     * @param most bytes that there may be
     */
    HeapWatch(LongSupplier used, LongSupplier most) {
        this.used = used;
        this.most = most;
    }

    /**
     * Starts to monitor the heap of this process, and to give back what it does not need.
     *
     * @param giveBack gives back other memory, after the start and after a burst of calls
     */
    public static HeapWatch start(Runnable giveBack) {
        HeapWatch watch = new HeapWatch(HeapWatch::used, Runtime.getRuntime()::maxMemory);
        Future<?> _ = watch.worker.scheduleWithFixedDelay(
                watch::look, INTERVAL.toMillis(), INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
        HeapTrim trim = HeapTrim.ofThisProcess(giveBack);
        Future<?> _ = watch.worker.scheduleWithFixedDelay(
                trim::look, TRIM_INTERVAL.toMillis(), TRIM_INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
        return watch;
    }

    /** Heap in use, including garbage, in bytes. */
    static long used() {
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    /** Looks once; warns when it was full for several looks in a row, and once until it was not. */
    void look() {
        long max = most.getAsLong();
        long percent = 100 * used.getAsLong() / max;
        full = percent < FULL_PERCENT ? 0 : full + 1;
        if (full == LOOKS) {
            LOG.warn(
                    "heap of {} MiB is {} % full; raise the memory limit of the container (Helm: cni.resources),"
                            + " three eighths of which are used for the heap",
                    max / MEBIBYTE, percent);
        }
    }

    @Override
    public void close() {
        worker.shutdownNow();
    }
}
