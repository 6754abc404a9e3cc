// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.CapturedLog;
import java.util.List;
import org.junit.jupiter.api.Test;

class HeapWatchTest {
    private static final int MEBIBYTE = 1 << 20;

    private long used;

    @Test
    void aHeapThatStaysFullIsToldOnceUntilItWasNot() {
        try (CapturedLog log = CapturedLog.of(HeapWatch.class);
                HeapWatch watch = new HeapWatch(() -> used, () -> 96L * MEBIBYTE)) {
            look(watch, 90, 90, 20, 90, 90);
            assertThat(log.lines()).isEmpty();

            look(watch, 91, 92, 93);
            assertThat(log.lines())
                    .containsExactly("WARN heap of 96 MiB is 94 % full; raise the memory limit of the container (Helm:"
                            + " cni.resources), three eighths of which are used for the heap");

            look(watch, 20, 90, 90, 90);
            assertThat(log.lines()).hasSize(2);
        }
    }

    private void look(HeapWatch watch, Integer... mebibytes) {
        for (int each : List.of(mebibytes)) {
            used = (long) each * MEBIBYTE;
            watch.look();
        }
    }
}
