// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core.spi;

import java.time.Duration;

/**
 * The moment by which something must have ended, on the monotonic clock.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @param nanoTime the moment, as {@link System#nanoTime} counts
 * @since 0.1.0
 */
public record Deadline(long nanoTime) {
    /** The moment that lies the given time from now. */
    public static Deadline after(Duration time) {
        return new Deadline(System.nanoTime() + time.toNanos());
    }

    /** The remaining time; zero after the deadline. */
    public Duration remaining() {
        return Duration.ofNanos(Math.max(0, nanoTime - System.nanoTime()));
    }

    /** The shorter of a time and what remains. */
    public Duration atMost(Duration time) {
        Duration remaining = remaining();
        return remaining.compareTo(time) < 0 ? remaining : time;
    }
}
