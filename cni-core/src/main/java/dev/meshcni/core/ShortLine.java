// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import java.util.regex.Pattern;

/**
 * Texts of others on one line of a bounded length: a parser's message may quote an answer of any length. Apart from
 * {@link OneLine}, which the plugin has as well: regular expressions would make it larger by a third.
 */
public final class ShortLine {
    /** The longest text, in characters. */
    private static final int LONGEST = 300;

    private static final Pattern CONTROL = Pattern.compile("[\\p{Cc}\\p{Cf}\\p{Cs}\\u2028\\u2029\\s]+");

    private ShortLine() {}

    /**
     * Returns at most 300 characters of the text, with one space for each run of white space and control characters.
     */
    public static String of(String text) {
        String line = CONTROL.matcher(text.substring(0, Math.min(text.length(), 2 * LONGEST)))
                .replaceAll(" ")
                .strip();
        return line.length() <= LONGEST ? line : line.substring(0, LONGEST) + "...";
    }
}
