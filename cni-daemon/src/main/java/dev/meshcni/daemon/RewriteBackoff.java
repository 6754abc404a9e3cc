package dev.meshcni.daemon;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * How fast to put right what somebody else keeps changing: at once at first, and ever more slowly in a fight, which nobody can
 * win and which costs the node more than it gains.
 */
final class RewriteBackoff {
    private final Limits limits;
    private final InstantSource clock;
    private final Deque<Instant> rewrites = new ArrayDeque<>();
    private Duration delay = Duration.ZERO;
    private Instant lastNeed = Instant.MIN;
    private Instant notBefore = Instant.MIN;

    /**
     * When it is a fight.
     *
     * @param rewrites as many rewrites as this are none
     * @param window within this time; and a fight is over when nothing had to be put right for as long
     * @param first the first delay in a fight; each one is twice the last
     * @param longest the longest delay
     */
    record Limits(int rewrites, Duration window, Duration first, Duration longest) {
        /** More than 5 rewrites in 30 seconds; from a second to a minute. */
        static final Limits DEFAULT =
                new Limits(5, Duration.ofSeconds(30), Duration.ofSeconds(1), Duration.ofMinutes(1));
    }

    RewriteBackoff(Limits limits, InstantSource clock) {
        this.limits = requireNonNull(limits, "limits is null");
        this.clock = requireNonNull(clock, "clock is null");
    }

    /** Says how long a rewrite that is needed now has to wait. */
    Duration needed() {
        Instant now = clock.instant();
        Instant lastTrouble = lastNeed.isAfter(notBefore) ? lastNeed : notBefore;
        if (!delay.isZero() && lastTrouble.plus(limits.window()).isBefore(now)) {
            delay = Duration.ZERO;
            rewrites.clear();
        }
        lastNeed = now;
        return now.isBefore(notBefore) ? Duration.between(now, notBefore) : Duration.ZERO;
    }

    /** Takes note of a rewrite, and says how long the next one will have to wait; nothing if this is no fight. */
    Duration rewritten() {
        Instant now = clock.instant();
        rewrites.addLast(now);
        while (rewrites.getFirst().plus(limits.window()).isBefore(now)) {
            rewrites.removeFirst();
        }
        if (!delay.isZero() || rewrites.size() > limits.rewrites()) {
            delay = delay.isZero() ? limits.first() : shorter(delay.multipliedBy(2), limits.longest());
            notBefore = now.plus(delay);
        }
        return delay;
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }
}
