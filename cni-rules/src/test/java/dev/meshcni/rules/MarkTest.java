// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class MarkTest {
    @Test
    void onlyTheBitsOfTheMaskAreComparedAndSet() {
        Mark mark = new Mark(0x539, 0xfff);

        assertThat(mark.isIn(0xab539)).isTrue();
        assertThat(mark.isIn(0x538)).isFalse();
        assertThat(mark.setIn(0xabcdef)).isEqualTo(0xabc539);
        assertThat(mark).hasToString("0x539/0xfff");
    }

    @Test
    void aWholeMarkIsANumber() {
        Mark mark = Mark.whole(-1);

        assertThat(mark.isIn(-1)).isTrue();
        assertThat(mark.isIn(0x7fff_ffff)).isFalse();
        assertThat(mark.setIn(5)).isEqualTo(-1);
        assertThat(mark).hasToString("0xffffffff");
    }

    @Test
    void aMarkThatNoPacketCanHaveOrThatEveryPacketHasIsNone() {
        assertThatThrownBy(() -> new Mark(0x1000, 0xfff)).hasMessage("0x1000 has bits beyond the mask 0xfff");
        assertThatThrownBy(() -> new Mark(0, 0)).isInstanceOf(IllegalArgumentException.class);
    }
}
