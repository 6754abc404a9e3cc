// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.iptables;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.rules.InvalidParameterException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DurationTextTest {
    @Test
    void theUnitFollowsTheNumber() {
        assertThat(DurationText.parse("flag", "500ms")).isEqualTo(Duration.ofMillis(500));
        assertThat(DurationText.parse("flag", "5s")).isEqualTo(Duration.ofSeconds(5));
        assertThat(DurationText.parse("flag", " 2m ")).isEqualTo(Duration.ofMinutes(2));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "5", "s", "-5s", "5h", "1m30s", "61m", "99999999999999999999s", "٥s"})
    void anythingElseIsRefusedAndQuoted(String text) {
        assertThatThrownBy(() -> DurationText.parse("flag --probe-timeout", text))
                .isInstanceOf(InvalidParameterException.class)
                .hasMessageContaining("flag --probe-timeout")
                .hasMessageContaining(InvalidParameterException.quote(text));
    }
}
