// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.telemetry;

import java.util.function.LongSupplier;

/**
 * Gives back what a burst of calls has made the heap take, once nothing is going on: the serial collector lets the old
 * generation grow as far as it may before it looks into it.
 */
final class HeapTrim {
    /** In bytes: what the heap may grow by before it is worth a collection. */
    private static final long GROWTH = 4L << 20;

    /** In bytes: what is made between two looks when nothing is going on. */
    private static final long QUIET = 256L << 10;

    private final LongSupplier used;
    private final LongSupplier taken;
    private final Runnable collection;
    private long settled;
    private long before = Long.MAX_VALUE;

    /**
     * For a heap.
     *
     * @param used bytes in use, garbage included
     * @param taken bytes that the heap has of the machine
     * @param collection collects the garbage and lets go of what is free
     */
    HeapTrim(LongSupplier used, LongSupplier taken, Runnable collection) {
        this.used = used;
        this.taken = taken;
        this.collection = collection;
    }

    /**
     * For the heap of this process.
     *
     * @param more gives back what else can be given back then
     */
    static HeapTrim ofThisProcess(Runnable more) {
        return new HeapTrim(HeapWatch::used, Runtime.getRuntime()::totalMemory, () -> {
            System.gc();
            more.run();
        });
    }

    /** Looks once; collects if the heap has grown since the last collection and nothing is going on. */
    void look() {
        long now = used.getAsLong();
        boolean quiet = now >= before && now - before < QUIET;
        before = now;
        if (quiet && taken.getAsLong() > settled + GROWTH) {
            collection.run();
            settled = taken.getAsLong();
            before = used.getAsLong();
        }
    }
}
