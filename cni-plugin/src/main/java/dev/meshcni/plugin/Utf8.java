// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import static java.nio.charset.StandardCharsets.UTF_8;

/** UTF-8 (RFC 3629). */
final class Utf8 {
    private static final int REPLACEMENT = 0xFFFD;

    private Utf8() {}

    /** Returns whether bytes are UTF-8, without overlong forms, halves of characters and what is beyond Unicode. */
    static boolean isWellFormed(byte[] bytes) {
        return isWellFormed(bytes, 0, bytes.length);
    }

    /**
     * The text of some bytes; each that belongs to no character is a replacement character, U+FFFD. Libraries differ in
     * how many of them they make of what is malformed, and in what they take for it.
     */
    static String text(byte[] bytes, int start, int end) {
        if (isWellFormed(bytes, start, end)) {
            return new String(bytes, start, end - start, UTF_8);
        }
        StringBuilder text = new StringBuilder();
        for (int at = start; at < end; ) {
            int length = lengthAt(bytes, at, end);
            text.appendCodePoint(length == 0 ? REPLACEMENT : codePoint(bytes, at, length));
            at += Math.max(1, length);
        }
        return text.toString();
    }

    private static boolean isWellFormed(byte[] bytes, int start, int end) {
        for (int at = start; at < end; ) {
            int length = lengthAt(bytes, at, end);
            if (length == 0) {
                return false;
            }
            at += length;
        }
        return true;
    }

    /** The number of bytes of the character at a position; zero if there is none. */
    private static int lengthAt(byte[] bytes, int at, int end) {
        int length = length(bytes[at]);
        if (length == 0 || at + length > end) {
            return 0;
        }
        for (int i = 1; i < length; i++) {
            if (!isContinuation(bytes[at + i])) {
                return 0;
            }
        }
        return length > 2 && !isAllowed(bytes[at] & 0xFF, bytes[at + 1] & 0xFF) ? 0 : length;
    }

    static boolean isContinuation(byte b) {
        return (b & 0xC0) == 0x80;
    }

    /** Returns whether a character that begins so takes two code units in UTF-16. */
    static boolean isBeyondOneUnit(byte first) {
        return (first & 0xF8) == 0xF0;
    }

    /** The number of bytes of a character that starts with this byte; zero if none can. */
    static int length(byte begin) {
        int first = begin & 0xFF;
        if (first < 0x80) {
            return 1;
        }
        if (first >= 0xC2 && first < 0xE0) {
            return 2;
        }
        if (first >= 0xE0 && first < 0xF0) {
            return 3;
        }
        return first >= 0xF0 && first < 0xF5 ? 4 : 0;
    }

    /** The character that stands at a place, in so many bytes. */
    static int codePoint(byte[] bytes, int place, int length) {
        if (length == 1) {
            return bytes[place];
        }
        int c = bytes[place] & (0xFF >> (length + 1));
        for (int i = 1; i < length; i++) {
            c = 64 * c + (bytes[place + i] & 0x3F);
        }
        return c;
    }

    private static boolean isAllowed(int first, int second) {
        return switch (first) {
            case 0xE0 -> second >= 0xA0;
            case 0xED -> second < 0xA0;
            case 0xF0 -> second >= 0x90;
            case 0xF4 -> second < 0x90;
            default -> true;
        };
    }
}
