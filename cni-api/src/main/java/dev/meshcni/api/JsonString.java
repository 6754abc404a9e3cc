// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

/**
 * Strings of JSON (RFC 8259, section 7), for what prints a few fields and does without a JSON library.
 *
 * <p>API status: INTERNAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public final class JsonString {
    private static final String HEX = "0123456789abcdef";

    private JsonString() {}

    /**
     * A text in quotation marks. Halves of characters are escaped, so that the result is always well-formed in UTF-8.
     */
    public static String of(String text) {
        StringBuilder json = new StringBuilder(text.length() + 2).append('"');
        for (int at = 0; at < text.length(); ) {
            int c = text.codePointAt(at);
            append(json, c);
            at += Character.charCount(c);
        }
        return json.append('"').toString();
    }

    private static void append(StringBuilder json, int c) {
        switch (c) {
            case '"', '\\' -> json.append('\\').append((char) c);
            case '\n' -> json.append("\\n");
            case '\r' -> json.append("\\r");
            case '\t' -> json.append("\\t");
            default -> {
                if (c < ' ' || (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE)) {
                    appendEscape(json, c);
                } else {
                    json.appendCodePoint(c);
                }
            }
        }
    }

    /** A backslash, a u and the four digits of a code unit; more digits where it is none. */
    static void appendEscape(StringBuilder json, int c) {
        json.append("\\u");
        for (int shift = c > 0xFFFF ? 16 : 12; shift >= 0; shift -= 4) {
            json.append(HEX.charAt(c >> shift & 0xF));
        }
    }
}
