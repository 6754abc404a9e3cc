// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import dev.meshcni.api.Characters;

/**
 * Texts of others, as they may be shown on a terminal and written into a log: they end no line there and give no
 * orders.
 */
public final class OneLine {
    private OneLine() {}

    /** The text with a question mark for each character that is not shown as itself. */
    public static String of(String text) {
        return of(text, Integer.MAX_VALUE);
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
