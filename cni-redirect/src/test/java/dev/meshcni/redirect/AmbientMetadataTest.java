// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.redirect.testkit.Pods;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AmbientMetadataTest {
    @Test
    void neitherTheHostNetworkNorAPodWithASidecarIsAmbient() {
        Map<String, String> injected = Map.of(RedirectPolicy.STATUS, "", AmbientMetadata.REDIRECTION, "enabled");

        assertThat(AmbientMetadata.isEnrolled(pod("ambient", injected, false))).isFalse();
        assertThat(AmbientMetadata.isEnrolled(pod("", Map.of(AmbientMetadata.REDIRECTION, "enabled"), true)))
                .isFalse();
    }

    @ParameterizedTest
    @CsvSource({"enabled, '', true", "pending, '', true", "disabled, '', false", "'', '', false", "enabled, none, false"
    })
    void theStatusSaysWhetherThereAreRules(String status, String label, boolean expected) {
        assertThat(AmbientMetadata.isEnrolled(pod(label, Map.of(AmbientMetadata.REDIRECTION, status), false)))
                .isEqualTo(expected);
    }

    private static Pod pod(String label, Map<String, String> annotations, boolean hostNetwork) {
        return new Pod(
                "shop",
                "web",
                "",
                label.isEmpty() ? Map.of() : Map.of(AmbientMetadata.MODE, label),
                annotations,
                hostNetwork,
                List.of(),
                List.of(Pods.container("app")));
    }
}
