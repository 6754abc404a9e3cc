// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import java.util.Collection;

/**
 * Measurements of one thing.
 *
 * @param least the smallest
 * @param low a tenth of them are smaller
 * @param median half of them are not greater
 * @param high a tenth of them are greater
 * @param top one in a hundred is greater
 */
record Series(double least, double low, double median, double high, double top) {
    static Series of(Collection<Double> values) {
        double[] sorted =
                values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        if (sorted.length == 0) {
            throw new IllegalArgumentException("no measurements");
        }
        return new Series(sorted[0], at(sorted, 0.1), at(sorted, 0.5), at(sorted, 0.9), at(sorted, 0.99));
    }

    private static double at(double[] sorted, double part) {
        return sorted[(int) Math.round(part * (sorted.length - 1))];
    }

    @Override
    public String toString() {
        return "%.1f (%.1f to %.1f)".formatted(median, low, high);
    }
}
