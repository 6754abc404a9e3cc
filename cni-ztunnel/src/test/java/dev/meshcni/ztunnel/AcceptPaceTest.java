// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ztunnel;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class AcceptPaceTest {
    private static final long SECOND = Duration.ofSeconds(1).toNanos();

    @Test
    void aBurstIsAcceptedAtOnceAndThenSoManyInASecond() {
        AcceptPace pace = new AcceptPace(2);

        assertThat(pace.pause(0)).isZero();
        pace.accepted(0);
        assertThat(pace.pause(10)).isZero();
        pace.accepted(10);

        assertThat(pace.pause(20)).isEqualTo(Duration.ofNanos(SECOND - 20));
        assertThat(pace.pause(SECOND)).isZero();
        pace.accepted(SECOND);
        assertThat(pace.pause(SECOND)).isEqualTo(Duration.ofNanos(10));
        assertThat(pace.pause(SECOND + 10)).isZero();
    }
}
