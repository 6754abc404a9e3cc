// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Lets the pods of one controller be replaced one after the other, each time after a longer pause: where the new ones
 * are no better than the old ones, more of the same does not help. Used by one thread.
 */
final class ControllerBackoff {
    static final Duration FIRST = Duration.ofSeconds(10);
    static final Duration LONGEST = Duration.ofMinutes(10);

    private record Turn(long nanos, Duration pause) {}

    private final LongSupplier clock;
    private final Map<String, Turn> turns = new HashMap<>();

    /** @param clock nanoseconds, as of {@link System#nanoTime} */
    ControllerBackoff(LongSupplier clock) {
        this.clock = clock;
    }

    /**
     * How long the next pod of a controller has to wait; zero if it need not.
     *
     * @param controller names it; empty for a pod that has none and is on its own
     */
    Duration ask(String controller) {
        Turn last = turns.get(controller);
        if (last == null) {
            return Duration.ZERO;
        }
        Duration left = last.pause().minusNanos(clock.getAsLong() - last.nanos());
        return left.isNegative() ? Duration.ZERO : left;
    }

    /** A pod of a controller has been replaced; says how long the next one has to wait, if it has a controller. */
    Optional<Duration> happened(String controller) {
        if (controller.isEmpty()) {
            return Optional.empty();
        }
        long now = clock.getAsLong();
        // A controller whose pods were left alone for so long begins anew.
        turns.values()
                .removeIf(
                        turn -> now - turn.nanos() > turn.pause().plus(LONGEST).toNanos());
        Turn last = turns.get(controller);
        Duration pause = last == null ? FIRST : shorter(last.pause().multipliedBy(2), LONGEST);
        turns.put(controller, new Turn(now, pause));
        return Optional.of(pause);
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) <= 0 ? one : other;
    }
}
