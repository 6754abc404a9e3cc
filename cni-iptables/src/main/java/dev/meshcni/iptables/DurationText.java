// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.iptables;

import dev.meshcni.redirect.ParameterText;
import dev.meshcni.rules.InvalidParameterException;
import java.time.Duration;

/** Times as Istio's flags have them, with one unit: {@code 500ms}, {@code 5s}, {@code 1m}. */
final class DurationText {
    private static final String FORM = "it must be a time such as 500ms, 5s or 1m, and at most 1h";
    private static final Duration MOST = Duration.ofHours(1);

    private DurationText() {}

    /**
     * Reads a time.
     *
     * @throws InvalidParameterException if the text is none, or more than an hour
     */
    static Duration parse(String where, String text) {
        String trimmed = text.strip();
        int unit = trimmed.replaceFirst("[a-z]+$", "").length();
        long number = number(where, text, trimmed.substring(0, unit));
        Duration time = switch (trimmed.substring(unit)) {
            case "ms" -> Duration.ofMillis(number);
            case "s" -> Duration.ofSeconds(number);
            case "m" -> Duration.ofMinutes(number);
            default -> throw new InvalidParameterException(where, text, FORM);
        };
        if (time.compareTo(MOST) > 0) {
            throw new InvalidParameterException(where, text, FORM);
        }
        return time;
    }

    private static long number(String where, String text, String digits) {
        try {
            return ParameterText.number(where, digits, 0, MOST.toMillis());
        } catch (InvalidParameterException _) {
            throw new InvalidParameterException(where, text, FORM);
        }
    }
}
