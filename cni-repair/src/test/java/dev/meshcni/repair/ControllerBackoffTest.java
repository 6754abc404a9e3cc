// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ControllerBackoffTest {
    private long now = -5;
    private final ControllerBackoff pacer = new ControllerBackoff(() -> now);

    @Test
    void eachPauseIsTwiceTheOneBeforeUpToTheLongest() {
        List<Long> pauses = IntStream.range(0, 8)
                .mapToObj(_ -> {
                    Duration pause = pacer.happened("shop/web").orElseThrow();
                    assertThat(pacer.ask("shop/web")).isEqualTo(pause);
                    pass(pause);
                    assertThat(pacer.ask("shop/web")).isZero();
                    return pause.toSeconds();
                })
                .toList();

        assertThat(pauses).containsExactly(10L, 20L, 40L, 80L, 160L, 320L, 600L, 600L);
    }

    @Test
    void otherControllersDoNotWait() {
        pacer.happened("shop/web");

        assertThat(pacer.ask("shop/cart")).isZero();
    }

    @Test
    void podsWithoutAControllerDoNotWaitForEachOther() {
        assertThat(pacer.happened("")).isEmpty();
        assertThat(pacer.ask("")).isZero();
    }

    @Test
    void aControllerWhosePodsWereLeftAloneBeginsAnew() {
        pacer.happened("shop/web");
        pacer.happened("shop/web");
        pass(ControllerBackoff.LONGEST.plusSeconds(21));

        assertThat(pacer.happened("shop/web")).contains(ControllerBackoff.FIRST);
    }

    private void pass(Duration time) {
        now += time.toNanos();
    }
}
