// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class RewriteBackoffTest {
    /** Close to where a counter of nanoseconds starts again from below, as System.nanoTime may. */
    private long now = Long.MAX_VALUE - Duration.ofSeconds(7).toNanos();

    private final RewriteBackoff backoff = new RewriteBackoff(RewriteBackoff.Limits.DEFAULT, () -> now);

    @Test
    void fiveRewritesInThirtySecondsAreDoneAtOnce() {
        for (int i = 0; i < 5; i++) {
            assertThat(backoff.needed()).isZero();
            assertThat(backoff.rewritten()).isZero();
            pass(Duration.ofMillis(200));
        }
        assertThat(backoff.needed()).isZero();
    }

    @Test
    void fromTheSixthOnEachWaitIsTwiceTheLastUpToAMinute() {
        fight();
        Duration expected = Duration.ofSeconds(1);
        for (int i = 0; i < 8; i++) {
            assertThat(backoff.needed()).isEqualTo(expected);
            pass(expected);
            assertThat(backoff.needed()).isZero();
            expected = i < 5 ? expected.multipliedBy(2) : Duration.ofMinutes(1);
            assertThat(backoff.rewritten()).isEqualTo(expected);
        }
    }

    @Test
    void rewritesThatAreFarApartAreNoFight() {
        for (int i = 0; i < 50; i++) {
            assertThat(backoff.needed()).isZero();
            assertThat(backoff.rewritten()).isZero();
            pass(Duration.ofSeconds(10));
        }
    }

    @Test
    void thirtySecondsWithoutNeedEndAFight() {
        fight();
        backoff.needed();

        pass(Duration.ofSeconds(32));

        assertThat(backoff.needed()).isZero();
        assertThat(backoff.rewritten()).isZero();
    }

    @Test
    void aFightIsNotOverWhileWeOnlyHoldStill() {
        fight();
        for (int i = 0; i < 20; i++) {
            pass(Duration.ofSeconds(5));
            backoff.needed();
        }

        assertThat(backoff.rewritten()).isEqualTo(Duration.ofSeconds(2));
    }

    private void fight() {
        for (int i = 0; i < 6; i++) {
            backoff.needed();
            backoff.rewritten();
        }
    }

    private void pass(Duration time) {
        now += time.toNanos();
    }
}
