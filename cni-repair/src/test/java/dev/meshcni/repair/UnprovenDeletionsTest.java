// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class UnprovenDeletionsTest {
    private long now = -5;
    private long redirections = 7;
    private final UnprovenDeletions deletions = new UnprovenDeletions(() -> redirections, () -> now);

    @Test
    void aFewNeedNotWait() {
        IntStream.range(0, UnprovenDeletions.MOST).forEach(_ -> {
            assertThat(deletions.ask()).isZero();
            deletions.happened();
        });

        assertThat(deletions.ask()).isEqualTo(UnprovenDeletions.PAUSE);
    }

    @Test
    void afterThoseOneIsPossibleInALongTime() {
        exhaust();
        pass(UnprovenDeletions.PAUSE.minusSeconds(1));
        assertThat(deletions.ask()).isEqualTo(Duration.ofSeconds(1));
        pass(Duration.ofSeconds(1));
        assertThat(deletions.ask()).isZero();

        deletions.happened();

        assertThat(deletions.ask()).isEqualTo(UnprovenDeletions.PAUSE);
    }

    @Test
    void aCallOfThePluginAllowsMore() {
        exhaust();

        redirections++;

        assertThat(deletions.ask()).isZero();
    }

    private void exhaust() {
        IntStream.range(0, UnprovenDeletions.MOST).forEach(_ -> {
            assertThat(deletions.ask()).isZero();
            deletions.happened();
        });
    }

    private void pass(Duration time) {
        now += time.toNanos();
    }
}
