// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class HeapTrimTest {
    private static final long MEBIBYTE = 1 << 20;

    private long used;
    private long taken;
    private int collections;

    private final HeapTrim trim = new HeapTrim(() -> used, () -> taken, () -> {
        collections++;
        used = 14 * MEBIBYTE;
        taken = 20 * MEBIBYTE;
    });

    @Test
    void whatABurstHasTakenIsGivenBackWhenItIsOver() {
        look(15, 20);
        look(15, 20);
        assertThat(collections).as("once after the start").isEqualTo(1);

        look(30, 40);
        look(50, 60);
        assertThat(collections).as("in the burst").isEqualTo(1);

        look(50, 60);
        assertThat(collections).as("after the burst").isEqualTo(2);
    }

    @Test
    void aHeapThatHasNotGrownIsLeftAlone() {
        look(15, 20);
        look(15, 20);
        for (int i = 0; i < 100; i++) {
            look(15, 23);
        }
        assertThat(collections).isEqualTo(1);
    }

    private void look(long usedMebibytes, long takenMebibytes) {
        used = usedMebibytes * MEBIBYTE;
        taken = takenMebibytes * MEBIBYTE;
        trim.look();
    }
}
