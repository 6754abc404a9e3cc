// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import java.time.Duration;
import java.util.function.LongSupplier;

/** Lets things happen at most so often, evenly spread. Used by one thread. */
final class RateLimiter {
    private final long intervalNanos;
    private final LongSupplier clock;
    private long next;

    /**
     * @param perMinute how often in a minute
     * @param clock nanoseconds, as of {@link System#nanoTime}
     */
    RateLimiter(int perMinute, LongSupplier clock) {
        this.intervalNanos = Duration.ofMinutes(1).dividedBy(perMinute).toNanos();
        this.clock = clock;
        this.next = clock.getAsLong();
    }

    /** Zero if it may happen now, which then counts; otherwise how long to wait before asking again. */
    Duration ask() {
        long now = clock.getAsLong();
        if (next - now > 0) {
            return Duration.ofNanos(next - now);
        }
        next = now + intervalNanos;
        return Duration.ZERO;
    }
}
