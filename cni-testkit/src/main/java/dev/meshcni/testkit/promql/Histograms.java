// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit.promql;

import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Quantiles of histograms with the cumulative buckets {@code le}. */
final class Histograms {
    private static final String BOUND = "le";

    private Histograms() {}

    /** The quantile of each histogram, from the values of its buckets; linear between the bounds of one. */
    static Map<Labels, Double> quantile(double quantile, Map<Labels, Double> buckets) {
        Map<Labels, SortedMap<Double, Double>> histograms = new TreeMap<>(SeriesStore.ORDER);
        buckets.forEach((labels, value) -> {
            String bound = labels.value(BOUND);
            if (!bound.isEmpty()) {
                histograms
                        .computeIfAbsent(labels.without(List.of(BOUND, Labels.NAME)), _ -> new TreeMap<>())
                        .merge(
                                bound.equals("+Inf") ? Double.POSITIVE_INFINITY : Double.parseDouble(bound),
                                value,
                                Double::sum);
            }
        });
        Map<Labels, Double> quantiles = new TreeMap<>(SeriesStore.ORDER);
        histograms.forEach((labels, histogram) -> quantiles.put(labels, quantile(quantile, histogram)));
        return quantiles;
    }

    private static double quantile(double quantile, SortedMap<Double, Double> histogram) {
        double all = histogram.lastEntry().getValue();
        if (histogram.size() < 2 || histogram.lastKey() != Double.POSITIVE_INFINITY || all == 0) {
            return Double.NaN;
        }
        double rank = quantile * all;
        double lower = 0;
        double below = 0;
        for (Map.Entry<Double, Double> bucket : histogram.entrySet()) {
            double upper = bucket.getKey();
            if (upper == Double.POSITIVE_INFINITY) {
                return lower;
            }
            if (bucket.getValue() >= rank) {
                return lower + (upper - lower) * (rank - below) / (bucket.getValue() - below);
            }
            lower = upper;
            below = bucket.getValue();
        }
        throw new IllegalStateException("a histogram without its last bucket");
    }
}
