// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

/**
 * Foreign text inside our messages: quoted, on one line, and never long.
 *
 * <p>API status: INTERNAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public final class Quote {
    private static final int LONGEST = 120;

    private Quote() {}

    public static String of(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        int at = 0;
        for (int count = 0; count < LONGEST && at < text.length(); count++) {
            int c = text.codePointAt(at);
            append(quoted, c);
            at += Character.charCount(c);
        }
        return quoted.append(at < text.length() ? "...\"" : "\"").toString();
    }

    private static void append(StringBuilder quoted, int c) {
        if (c == '"' || c == '\\') {
            quoted.append('\\').append((char) c);
        } else if (Characters.isInvisible(c)) {
            JsonString.appendEscape(quoted, c);
        } else {
            quoted.appendCodePoint(c);
        }
    }
}
