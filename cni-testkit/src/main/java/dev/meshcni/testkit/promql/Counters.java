// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit.promql;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.OptionalDouble;

/** What a counter has grown by, from its samples. */
final class Counters {
    /** Samples end this many intervals before the range does at most, if the series goes on there. */
    private static final double TOLERANCE = 1.1;

    private Counters() {}

    /**
     * The increase in the time {@code range} before {@code at}, as Prometheus estimates it: the increase between the
     * first and the last sample, extended to the whole range where the samples reach its ends, but never to before the
     * counter was 0. A value below the one before is a restart.
     */
    static OptionalDouble increase(List<SeriesStore.Sample> samples, Instant at, Duration range) {
        if (samples.size() < 2) {
            return OptionalDouble.empty();
        }
        SeriesStore.Sample first = samples.getFirst();
        SeriesStore.Sample last = samples.getLast();
        double increase = last.value() - first.value();
        for (int i = 1; i < samples.size(); i++) {
            if (samples.get(i).value() < samples.get(i - 1).value()) {
                increase += samples.get(i - 1).value();
            }
        }
        double sampled = seconds(first.at(), last.at());
        double interval = sampled / (samples.size() - 1);
        double before = within(seconds(at.minus(range), first.at()), interval);
        if (increase > 0 && first.value() >= 0) {
            before = Math.min(before, sampled * first.value() / increase);
        }
        double after = within(seconds(last.at(), at), interval);
        return OptionalDouble.of(increase * (sampled + before + after) / sampled);
    }

    /** The time to an end of the range, or half an interval where the series seems to begin or end inside it. */
    private static double within(double toTheEnd, double interval) {
        return toTheEnd >= interval * TOLERANCE ? interval / 2 : toTheEnd;
    }

    private static double seconds(Instant from, Instant to) {
        return Duration.between(from, to).toMillis() / 1e3;
    }
}
