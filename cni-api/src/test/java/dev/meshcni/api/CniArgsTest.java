// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CniArgsTest {
    @Test
    void theFourPodKeysAreReadInAnyOrder() {
        CniArgs args = CniArgs.parse("K8S_POD_UID=u-1;K8S_POD_NAME=web-0;IgnoreUnknown=1;"
                + "K8S_POD_INFRA_CONTAINER_ID=c0ffee;K8S_POD_NAMESPACE=shop");

        assertThat(args.podNamespace()).hasValue("shop");
        assertThat(args.podName()).hasValue("web-0");
        assertThat(args.podUid()).hasValue("u-1");
        assertThat(args.podInfraContainerId()).hasValue("c0ffee");
    }

    @Test
    void unknownKeysAreKeptWhenTheyAreToBeIgnored() {
        String text = "Colour=blue;IgnoreUnknown=true;K8S_POD_NAME=web-0";

        assertThat(CniArgs.parse(text).pairs()).containsEntry("Colour", "blue");
        assertThat(CniArgs.parse(text)).hasToString(text);
    }

    @ParameterizedTest
    @ValueSource(strings = {"Colour=blue", "Colour=blue;IgnoreUnknown=0", "IgnoreUnknown=False;Colour=blue"})
    void unknownKeysAreAnErrorOtherwise(String text) {
        assertThatThrownBy(() -> CniArgs.parse(text))
                .isInstanceOfSatisfying(
                        CniException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_ENVIRONMENT))
                .hasMessageContaining("\"Colour\"");
    }

    @Test
    void noArgumentsAreNoPod() {
        assertThat(CniArgs.parse("")).isEqualTo(CniArgs.NONE);
        assertThat(CniArgs.NONE.podName()).isEmpty();
    }

    @Test
    void anEmptyValueIsNoValue() {
        assertThat(CniArgs.parse("K8S_POD_UID=").podUid()).isEmpty();
    }

    @Test
    void aValueMayContainAnEqualsSign() {
        assertThat(CniArgs.parse("IgnoreUnknown=1;Token=a=b==").pairs()).containsEntry("Token", "a=b==");
    }

    @Test
    void ofAKeyThatOccursTwiceTheLastOneCounts() {
        assertThat(CniArgs.parse("K8S_POD_NAME=a;K8S_POD_NAME=b").podName()).hasValue("b");
    }

    @ParameterizedTest
    @ValueSource(strings = {"K8S_POD_NAME", "=x", ";", "K8S_POD_NAME=a;", "K8S_POD_NAME=a;;K8S_POD_UID=b"})
    void whatIsNotAPairIsQuoted(String text) {
        assertThatThrownBy(() -> CniArgs.parse(text))
                .isInstanceOfSatisfying(CniException.class, e -> {
                    assertThat(e.code()).isEqualTo(ErrorCode.INVALID_ENVIRONMENT);
                    assertThat(e.details()).contains('"' + text + '"');
                })
                .hasMessageContaining("not a KEY=VALUE pair");
    }

    @Test
    void anUnclearIgnoreUnknownIsAnError() {
        assertThatThrownBy(() -> CniArgs.parse("IgnoreUnknown=perhaps")).hasMessageContaining("\"perhaps\"");
    }
}
