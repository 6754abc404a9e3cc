// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VersionInfoTest {
    @Test
    void allVersionsAreListedInTheVersionAsked() {
        assertThat(CniJson.compact(VersionInfo.allVersions(SpecVersion.V0_4_0).toJson()))
                .isEqualTo("{\"cniVersion\":\"0.4.0\",\"supportedVersions\":"
                        + "[\"0.1.0\",\"0.2.0\",\"0.3.0\",\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\"]}");
    }

    @Test
    void anAnswerIsReadBack() {
        VersionInfo info = VersionInfo.allVersions(SpecVersion.V1_1_0);

        assertThat(VersionInfo.parse(info.toJson())).isEqualTo(info);
    }

    @Test
    void versionsOfTheFutureAreKept() {
        VersionInfo info = parse("{\"cniVersion\":\"1.0.0\",\"supportedVersions\":[\"1.0.0\",\"9.0.0\"]}");

        assertThat(info.supportedVersions()).containsExactly("1.0.0", "9.0.0");
        assertThat(info.supports(SpecVersion.V1_0_0)).isTrue();
        assertThat(info.supports(SpecVersion.V1_1_0)).isFalse();
    }

    @Test
    void answersOfTheFirstVersionsNeedNoList() {
        assertThat(parse("{\"cniVersion\":\"0.1.0\"}").supportedVersions()).containsExactly("0.1.0");
        assertThat(parse("{\"cniVersion\":\"0.2.0\"}").supportedVersions()).containsExactly("0.1.0", "0.2.0");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{\"supportedVersions\":[\"1.0.0\"]}",
                "{\"cniVersion\":\"1.0.0\"}",
                "{\"cniVersion\":\"1.0.0\",\"supportedVersions\":\"1.0.0\"}"
            })
    void anAnswerThatLacksAFieldIsRefused(String text) {
        assertThatThrownBy(() -> parse(text)).isInstanceOf(CniException.class).hasMessageContaining("ersion");
    }

    private static VersionInfo parse(String text) {
        return VersionInfo.parse(CniJson.lenientObject(text));
    }
}
