// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.Locale;

/** The wall times as a picture: a bar to the median, a line from the 10th to the 90th percentile. */
final class Plot {
    private static final int LABELS = 300;
    private static final int BARS = 460;
    private static final int VALUES = 80;
    private static final int ROW = 28;
    private static final int BAR = 16;
    private static final int MARGIN = 44;

    private final List<Result> results;
    private final double scale;

    Plot(List<Result> results) {
        this.results = List.copyOf(requireNonNull(results, "results is null"));
        this.scale = BARS
                / this.results.stream()
                        .mapToDouble(result -> result.wall().high())
                        .max()
                        .orElse(1);
    }

    /** The picture, in the SVG format. */
    String svg() {
        int width = LABELS + BARS + VALUES;
        int height = MARGIN + results.size() * ROW + ROW / 2;
        StringBuilder svg = new StringBuilder();
        svg.append("""
                <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13">
                <rect width="100%%" height="100%%" fill="white"/>
                <text x="12" y="24" font-size="15">Wall time in milliseconds: median, and 10th to 90th percentile</text>
                """.formatted(width, height));
        for (int i = 0; i < results.size(); i++) {
            svg.append(row(results.get(i), MARGIN + i * ROW));
        }
        return svg.append("</svg>\n").toString();
    }

    private String row(Result result, int top) {
        Series wall = result.wall();
        int middle = top + BAR / 2;
        return String.format(
                Locale.ROOT,
                """
                <text x="%d" y="%d" text-anchor="end">%s</text>
                <rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>
                <line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="black"/>
                <text x="%.1f" y="%d">%.1f</text>
                """,
                LABELS - 8,
                middle + 5,
                result.name(),
                LABELS,
                top,
                wall.median() * scale,
                BAR,
                result.name().startsWith("istio-cni") || result.name().startsWith("agent") ? "#466bb0" : "#b0b0b0",
                LABELS + wall.low() * scale,
                middle,
                LABELS + wall.high() * scale,
                middle,
                LABELS + wall.high() * scale + 6,
                middle + 5,
                wall.median());
    }
}
