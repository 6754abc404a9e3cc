// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CniErrorTest {
    @Test
    void aFailureBecomesAnErrorObjectOfItsVersion() {
        CniException failure = new CniException(ErrorCode.TRY_AGAIN_LATER, "the agent is away", "it is restarted");

        assertThat(CniJson.compact(CniError.of(failure, SpecVersion.V0_4_0).toJson()))
                .isEqualTo("{\"cniVersion\":\"0.4.0\",\"code\":11,\"msg\":\"the agent is away\","
                        + "\"details\":\"it is restarted\"}");
    }

    @Test
    void emptyDetailsAreLeftOut() {
        assertThat(CniError.of(new CniException(4, "no", "")).toJson().has("details"))
                .isFalse();
    }

    @Test
    void anErrorObjectIsReadBackAsTheFailure() {
        CniError error = new CniError("1.0.0", 7, "bad \"name\"", "line 1");

        CniError read = CniError.parse(CniJson.object(CniJson.bytes(error.toJson())));

        assertThat(read).isEqualTo(error);
        assertThat(read.toException().code()).isEqualTo(7);
        assertThat(read.toException()).hasMessage("bad \"name\"");
        assertThat(read.toException().details()).isEqualTo("line 1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "{\"code\":\"7\"}", "{\"code\":7000000000}", "{\"msg\":7}", "{\"error\":\"x\"}"})
    void whatIsNoErrorObjectIsRefused(String text) {
        assertThatThrownBy(() -> CniError.parse(CniJson.lenientObject(text))).isInstanceOf(CniException.class);
    }
}
