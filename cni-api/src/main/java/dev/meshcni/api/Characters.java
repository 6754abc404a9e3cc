// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

/**
 * Characters that do not show as themselves, told by ranges: the plugin is compiled for machines without a JVM, whose
 * tables of Unicode would be another version, and slow to unpack.
 *
 * <p>API status: INTERNAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public final class Characters {
    private static final int FIRST_AFTER_CONTROLS = 0xA0;

    /** Pairs of first and last: the category Cf of Unicode 16, without what is below 0xA0. */
    private static final int[] FORMATS = {
        0xAD, 0xAD, 0x600, 0x605, 0x61C, 0x61C, 0x6DD, 0x6DD, 0x70F, 0x70F, 0x890, 0x891, 0x8E2, 0x8E2, 0x180E, 0x180E,
        0x200B, 0x200F, 0x202A, 0x202E, 0x2060, 0x2064, 0x2066, 0x206F, 0xFEFF, 0xFEFF, 0xFFF9, 0xFFFB, 0x110BD,
        0x110BD, 0x110CD, 0x110CD, 0x13430, 0x1343F, 0x1BCA0, 0x1BCA3, 0x1D173, 0x1D17A, 0xE0001, 0xE0001, 0xE0020,
        0xE007F
    };

    /** The categories Zs, Zl and Zp, without those below 0xA0. */
    private static final int[] SPACES = {
        0xA0, 0xA0, 0x1680, 0x1680, 0x2000, 0x200A, 0x2028, 0x2029, 0x202F, 0x202F, 0x205F, 0x205F, 0x3000, 0x3000
    };

    private Characters() {}

    /**
     * Returns whether a code point controls a terminal, the order of characters or the end of a line (the categories
     * Cc, Cf, Zl and Zp), or is half of a character (Cs).
     */
    public static boolean isInvisible(int c) {
        if (c < FIRST_AFTER_CONTROLS) {
            return isControl(c);
        }
        return c == 0x2028 || c == 0x2029 || isSurrogate(c) || isIn(FORMATS, c);
    }

    /** Returns whether a code point is a control character (category Cc). */
    static boolean isControl(int c) {
        return c < ' ' || (c >= 0x7F && c < FIRST_AFTER_CONTROLS);
    }

    /** Returns whether a code point is a blank or ends a line. */
    static boolean isSpace(int c) {
        return c == ' ' || isIn(SPACES, c);
    }

    private static boolean isSurrogate(int c) {
        return c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE;
    }

    private static boolean isIn(int[] ranges, int c) {
        for (int i = 0; i < ranges.length && ranges[i] <= c; i += 2) {
            if (c <= ranges[i + 1]) {
                return true;
            }
        }
        return false;
    }
}
