// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonStringTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "plain",
                "\"\\\b\f\n\r\t\u0000\u001f\u007f",
                "\u00e4\ud83d\ude00",
                "\u2028",
                "\ud800",
                "a\udc00b"
            })
    void aStringOfJsonIsReadAsTheTextThatItWas(String text) throws Exception {
        assertThat(new ObjectMapper()
                        .readTree(new String(JsonString.of(text).getBytes(UTF_8), UTF_8))
                        .textValue())
                .isEqualTo(text);
    }
}
