// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.rules;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.AlphaChars;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;

class NearestTest {
    @Test
    void aSwappedPairIsOneMistake() {
        assertThat(Nearest.distance("fromat", "format")).isEqualTo(1);
    }

    @Test
    void theNearestNameWins() {
        assertThat(Nearest.to("--nmae", List.of("--pod", "--name", "--netns"))).contains("--name");
    }

    @Test
    void nothingIsSuggestedForAWordThatIsLikeNone() {
        assertThat(Nearest.to("teapot", List.of("rules", "explain"))).isEmpty();
    }

    @Property
    void theDistanceIsTheSameBothWaysAndZeroForTheSameWordOnly(
            @ForAll @AlphaChars @StringLength(max = 12) String left,
            @ForAll @AlphaChars @StringLength(max = 12) String right) {
        assertThat(Nearest.distance(left, right)).isEqualTo(Nearest.distance(right, left));
        assertThat(Nearest.distance(left, right) == 0).isEqualTo(left.equals(right));
    }
}
