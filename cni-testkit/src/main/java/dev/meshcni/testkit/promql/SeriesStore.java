// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit.promql;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Series as Prometheus keeps them of what it scrapes. */
public final class SeriesStore {
    /** How long a sample is the latest one of its series. */
    private static final Duration LOOKBACK = Duration.ofMinutes(5);

    private static final Pattern SERIES = Pattern.compile("(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\\{(?<labels>.*)})?");
    private static final Pattern LABEL = Pattern.compile("(?<name>[a-zA-Z_]\\w*)=\"(?<value>(?:[^\"\\\\]|\\\\.)*)\"");

    /** A value of a series, or the mark that its target has it no more. */
    record Sample(Instant at, double value, boolean gone) {}

    private final Map<String, Map<Labels, List<Sample>>> byName = new HashMap<>();
    private final Map<Labels, Set<Labels>> ofTarget = new HashMap<>();

    /** What has been read of a target before: it serves the same series again and again. */
    private final Map<Labels, Map<String, Labels>> known = new HashMap<>();

    /**
     * Adds what a target serves in Prometheus's text format.
     *
     * @param target the labels that Prometheus gives the target
     */
    public void scrape(Labels target, String text, Instant at) {
        Map<Labels, Double> values = new HashMap<>();
        text.lines().filter(line -> !line.isEmpty() && !line.startsWith("#")).forEach(line -> {
            int value = line.lastIndexOf(' ') + 1;
            Labels labels = known.computeIfAbsent(target, _ -> new HashMap<>())
                    .computeIfAbsent(
                            line.substring(0, value).stripTrailing(),
                            series -> labels(series).and(target));
            values.put(labels, value(line.substring(value)));
        });
        values.put(up(target), 1.0);
        record(target, values, at);
    }

    /** Says that a target did not answer. */
    public void failedScrape(Labels target, Instant at) {
        record(target, Map.of(up(target), 0.0), at);
    }

    /** Says that a target is none any more, as when its pod is deleted. */
    public void targetGone(Labels target, Instant at) {
        record(target, Map.of(), at);
        ofTarget.remove(target);
    }

    void add(Labels labels, double value, Instant at) {
        series(labels.value(Labels.NAME))
                .computeIfAbsent(labels, _ -> new ArrayList<>())
                .add(new Sample(at, value, false));
    }

    /** The latest value of each series. */
    Map<Labels, Double> latest(List<LabelMatch> matches, Instant at) {
        Map<Labels, Double> values = new TreeMap<>(ORDER);
        selected(matches)
                .forEach((labels, samples) -> samples.stream()
                        .filter(sample ->
                                !sample.at().isAfter(at) && sample.at().isAfter(at.minus(LOOKBACK)))
                        .reduce((_, second) -> second)
                        .filter(sample -> !sample.gone())
                        .ifPresent(sample -> values.put(labels, sample.value())));
        return values;
    }

    /** The samples of each series after {@code at - range}, up to {@code at}. */
    Map<Labels, List<Sample>> samples(List<LabelMatch> matches, Instant at, Duration range) {
        Map<Labels, List<Sample>> found = new TreeMap<>(ORDER);
        selected(matches)
                .forEach((labels, samples) -> Optional.of(samples.stream()
                                .filter(sample -> !sample.gone())
                                .filter(sample ->
                                        !sample.at().isAfter(at) && sample.at().isAfter(at.minus(range)))
                                .toList())
                        .filter(some -> !some.isEmpty())
                        .ifPresent(some -> found.put(labels, some)));
        return found;
    }

    /** Any order that is always the same. */
    static final Comparator<Labels> ORDER = Comparator.comparing(Labels::toString);

    private Map<Labels, List<Sample>> series(String name) {
        return byName.computeIfAbsent(name, _ -> new HashMap<>());
    }

    /** The first of the matches is that of the name. */
    private Map<Labels, List<Sample>> selected(List<LabelMatch> matches) {
        Map<Labels, List<Sample>> selected =
                new HashMap<>(series(matches.getFirst().value()));
        selected.keySet().removeIf(labels -> !matches.stream().allMatch(match -> match.accepts(labels)));
        return selected;
    }

    private void record(Labels target, Map<Labels, Double> values, Instant at) {
        values.forEach((labels, value) -> add(labels, value, at));
        Set<Labels> gone = new HashSet<>(ofTarget.getOrDefault(target, Set.of()));
        gone.removeAll(values.keySet());
        gone.forEach(labels -> series(labels.value(Labels.NAME)).get(labels).add(new Sample(at, Double.NaN, true)));
        ofTarget.put(target, Set.copyOf(values.keySet()));
    }

    private static Labels up(Labels target) {
        return target.with(Labels.NAME, "up");
    }

    private static Labels labels(String series) {
        Matcher line = SERIES.matcher(series);
        if (!line.matches()) {
            throw new IllegalArgumentException("not a series of the text format: " + series);
        }
        Map<String, String> labels = new HashMap<>(Map.of(Labels.NAME, line.group("name")));
        Matcher label = LABEL.matcher(Optional.ofNullable(line.group("labels")).orElse(""));
        while (label.find()) {
            labels.put(label.group("name"), label.group("value"));
        }
        return Labels.of(labels);
    }

    private static double value(String text) {
        return switch (text) {
            case "+Inf" -> Double.POSITIVE_INFINITY;
            case "-Inf" -> Double.NEGATIVE_INFINITY;
            default -> Double.parseDouble(text);
        };
    }
}
