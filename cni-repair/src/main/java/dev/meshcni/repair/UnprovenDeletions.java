// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Deletions of pods since a runtime last called the plugin. A few are possible: on a node whose pods all run without
 * redirection nothing but a replacement shows that the plugin is called. After those one pod in a long time is deleted,
 * so that a plugin which no runtime finds, such as in a directory that none reads, does not cost pods without end. Used
 * by one thread.
 */
final class UnprovenDeletions {
    static final int MOST = 3;
    static final Duration PAUSE = Duration.ofMinutes(10);

    private final LongSupplier redirections;
    private final LongSupplier clock;
    private long lastRedirections;
    private int deletions;
    private long lastNanos;

    /**
     * @param redirections the number of pods that runtimes have asked this agent to redirect
     * @param clock nanoseconds, as of {@link System#nanoTime}
     */
    UnprovenDeletions(LongSupplier redirections, LongSupplier clock) {
        this.redirections = requireNonNull(redirections, "redirections is null");
        this.clock = requireNonNull(clock, "clock is null");
    }

    /** The time that the next deletion has to wait, unless a runtime calls the plugin before; zero if it need not. */
    Duration ask() {
        long now = redirections.getAsLong();
        if (now != lastRedirections) {
            lastRedirections = now;
            deletions = 0;
        }
        Duration left = PAUSE.minusNanos(clock.getAsLong() - lastNanos);
        return deletions < MOST || left.isNegative() ? Duration.ZERO : left;
    }

    /** A pod was deleted. */
    void happened() {
        deletions++;
        lastNanos = clock.getAsLong();
    }
}
