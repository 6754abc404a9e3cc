// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ColumnsTest {
    @Test
    void aLongLineIsCutBetweenWordsAndGoesOnIndented() {
        String sentence = "word ".repeat(30).strip();

        assertThat(Columns.wrap("  " + sentence + "\nshort\n").lines())
                .allMatch(line -> line.length() <= 100)
                .satisfies(lines -> assertThat(lines.get(1)).startsWith("      word"))
                .last()
                .isEqualTo("short");
        assertThat(Columns.wrap(sentence).replaceAll("\\s+", " ")).isEqualTo(sentence);
    }

    @Test
    void whatCannotBeCutStaysWhole() {
        String path = "/a".repeat(60);

        assertThat(Columns.wrap(path)).isEqualTo(path);
        assertThat(Columns.wrap("see " + path)).isEqualTo("see\n    " + path);
    }

    @Test
    void aPipeGetsLinesAsTheyAre() {
        String sentence = "word ".repeat(30).strip();

        assertThat(Columns.fit(sentence)).isEqualTo(sentence);
    }
}
