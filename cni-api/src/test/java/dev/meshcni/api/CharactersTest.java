// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The ranges are those of the JDK's Unicode, for every code point. */
class CharactersTest {
    @Test
    void whatIsInvisibleIsWhatUnicodeSaysIsNoCharacterToShow() {
        for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
            boolean expected = switch (Character.getType(c)) {
                case Character.CONTROL,
                        Character.FORMAT,
                        Character.SURROGATE,
                        Character.LINE_SEPARATOR,
                        Character.PARAGRAPH_SEPARATOR -> true;
                default -> false;
            };
            assertThat(Characters.isInvisible(c)).as("U+%04X", c).isEqualTo(expected);
        }
    }

    @Test
    void controlsAndSpacesAreThoseOfUnicode() {
        for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
            assertThat(Characters.isControl(c)).as("U+%04X", c).isEqualTo(Character.isISOControl(c));
            assertThat(Characters.isSpace(c) || Characters.isControl(c))
                    .as("U+%04X", c)
                    .isEqualTo(Character.isSpaceChar(c) || Character.isWhitespace(c) || Character.isISOControl(c));
        }
    }
}
