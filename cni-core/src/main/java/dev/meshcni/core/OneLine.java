// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import dev.meshcni.api.Characters;
import java.util.regex.Pattern;

/**
 * Texts of others, as they may be shown on a terminal and written into a log: they end no line there and give no
 * orders.
 */
public final class OneLine {
    /** Longest {@link #shortened} text, in characters: a parser's message may quote an answer of any length. */
    private static final int SHORTENED = 300;

    private static final Pattern CONTROL = Pattern.compile("[\\p{Cc}\\p{Cf}\\p{Cs}\\u2028\\u2029\\s]+");

    private OneLine() {}

    /** The text with a question mark for each character that is not shown as itself. */
    public static String of(String text) {
        return of(text, Integer.MAX_VALUE);
    }

    /**
     * The text on one line of at most 300 characters, with one space for each run of white space and control
     * characters.
     */
    public static String shortened(String text) {
        String line = CONTROL.matcher(text.substring(0, Math.min(text.length(), 2 * SHORTENED)))
                .replaceAll(" ")
                .strip();
        return line.length() <= SHORTENED ? line : line.substring(0, SHORTENED) + "...";
    }

    /** The same of the text's beginning, of so many characters at the most. */
    static String of(String text, int longest) {
        StringBuilder line = new StringBuilder();
        int at = 0;
        for (int count = 0; count < longest && at < text.length(); count++) {
            int c = text.codePointAt(at);
            line.appendCodePoint(Characters.isInvisible(c) ? '?' : c);
            at += Character.charCount(c);
        }
        return line.toString();
    }
}
