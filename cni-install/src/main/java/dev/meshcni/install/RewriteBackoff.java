// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.LongSupplier;

/**
 * The backoff for restoring what another process keeps changing: immediate at first, and increasingly slow in a fight,
 * which nobody can win and which costs the node more than it gains.
 */
public final class RewriteBackoff {
    private final Limits limits;
    private final LongSupplier nanoTime;
    private final long start;
    private final Deque<Duration> rewrites = new ArrayDeque<>();
    private Duration delay = Duration.ZERO;
    private Duration lastNeed = Duration.ZERO;
    private Duration notBefore = Duration.ZERO;

    /**
     * When it is a fight.
     *
     * @param rewrites as many rewrites as this are none
     * @param window within this time; and a fight is over when nothing had to be put right for as long
     * @param first the first delay in a fight; each one is twice the last
     * @param longest the longest delay
     */
    public record Limits(int rewrites, Duration window, Duration first, Duration longest) {
        /** More than 5 rewrites in 30 seconds; from a second to a minute. */
        public static final Limits DEFAULT =
                new Limits(5, Duration.ofSeconds(30), Duration.ofSeconds(1), Duration.ofMinutes(1));
    }

    /**
     * @param limits when it is a fight
     * @param nanoTime a monotonic clock, such as {@link System#nanoTime}
     */
    RewriteBackoff(Limits limits, LongSupplier nanoTime) {
        this.limits = requireNonNull(limits, "limits is null");
        this.nanoTime = requireNonNull(nanoTime, "nanoTime is null");
        this.start = nanoTime.getAsLong();
    }

    /** Says how long a rewrite that is needed now has to wait. */
    Duration needed() {
        Duration now = sinceStart();
        Duration lastTrouble = longer(lastNeed, notBefore);
        if (!delay.isZero() && now.minus(lastTrouble).compareTo(limits.window()) > 0) {
            delay = Duration.ZERO;
            rewrites.clear();
        }
        lastNeed = now;
        return longer(notBefore.minus(now), Duration.ZERO);
    }

    /** Takes note of a rewrite, and says how long the next one will have to wait; nothing if this is no fight. */
    Duration rewritten() {
        Duration now = sinceStart();
        rewrites.addLast(now);
        while (now.minus(rewrites.getFirst()).compareTo(limits.window()) > 0) {
            rewrites.removeFirst();
        }
        if (!delay.isZero() || rewrites.size() > limits.rewrites()) {
            delay = delay.isZero() ? limits.first() : shorter(delay.multipliedBy(2), limits.longest());
            notBefore = now.plus(delay);
        }
        return delay;
    }

    private Duration sinceStart() {
        return Duration.ofNanos(nanoTime.getAsLong() - start);
    }

    private static Duration longer(Duration one, Duration other) {
        return one.compareTo(other) > 0 ? one : other;
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }
}
