package dev.meshcni.plugin;

/** UTF-8 (RFC 3629), told without making a text of it. */
final class Utf8 {
    private Utf8() {}

    /** Whether bytes are UTF-8, without overlong forms, halves of characters and what is beyond Unicode. */
    static boolean isWellFormed(byte[] bytes) {
        int at = 0;
        while (at < bytes.length) {
            int length = length(bytes[at]);
            if (length == 0 || at + length > bytes.length) {
                return false;
            }
            for (int i = 1; i < length; i++) {
                if (!isContinuation(bytes[at + i])) {
                    return false;
                }
            }
            if (length > 2 && !isAllowed(bytes[at] & 0xFF, bytes[at + 1] & 0xFF)) {
                return false;
            }
            at += length;
        }
        return true;
    }

    static boolean isContinuation(byte b) {
        return (b & 0xC0) == 0x80;
    }

    /** Whether a character that begins so takes two code units in UTF-16. */
    static boolean isBeyondOneUnit(byte first) {
        return (first & 0xF8) == 0xF0;
    }

    /** How many bytes the character has that begins with this one; zero if none can. */
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
