// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit.promql;

import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** An alert that is evaluated again and again: pending while its expression has a value, and firing after its time. */
public final class AlertRule {
    private final String name;
    private final Query query;
    private final Duration time;
    private final Map<Labels, Instant> since = new HashMap<>();
    private Instant now = Instant.EPOCH;

    private AlertRule(String name, Query query, Duration time) {
        this.name = name;
        this.query = query;
        this.time = time;
    }

    /**
     * An alert.
     *
     * @param time its {@code for}, such as {@code 5m}; empty for none
     */
    public static AlertRule of(String name, String expression, String time) {
        return new AlertRule(name, Query.of(expression), time.isEmpty() ? Duration.ZERO : PromQlParser.duration(time));
    }

    public String name() {
        return name;
    }

    /** Its {@code for}. */
    public Duration time() {
        return time;
    }

    /** Evaluates it once, which a caller does at an interval. */
    public void evaluate(SeriesStore store, Instant at) {
        now = at;
        Set<Labels> active = new HashSet<>();
        query.evaluate(store, at).keySet().forEach(labels -> active.add(labels.without(Set.of(Labels.NAME))));
        since.keySet().retainAll(active);
        active.forEach(labels -> since.putIfAbsent(labels, at));
    }

    /** The labels of those for which it is active, firing or not. */
    public Set<Labels> active() {
        return Set.copyOf(since.keySet());
    }

    /** The labels of those for which it fires. */
    public Set<Labels> firing() {
        Set<Labels> firing = new HashSet<>();
        since.forEach((labels, begin) -> {
            if (!begin.plus(time).isAfter(now)) {
                firing.add(labels);
            }
        });
        return firing;
    }
}
