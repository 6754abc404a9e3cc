// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.meshcni.api.SpecVersion;
import dev.meshcni.api.VersionInfo;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What the plugin does without its agent and the file system. */
class PluginTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"cniVersion\": \"0.4.0\"} | 0.4.0",
                "{\"cniVersion\": \"7.0.0\"} | 1.1.0",
                "{\"cniVersion\": \"\\\"\"}  | 1.1.0",
                "{}                        | 1.1.0",
                "''                        | 1.1.0"
            })
    void versionIsAnsweredInTheVersionThatItIsAskedIn(String input, String answered) {
        assertThat(version(new JvmHost(Map.of("CNI_COMMAND", "VERSION"), input.getBytes(UTF_8))))
                .startsWith("{\"cniVersion\":\"" + answered + "\",\"supportedVersions\":[\"0.1.0\",");
    }

    @ParameterizedTest
    @EnumSource
    void versionIsWhatTheTypeOfTheSpecificationPrints(SpecVersion asked) throws JsonProcessingException {
        String input = "{\"cniVersion\":\"" + asked.text() + "\"}";

        assertThat(new ObjectMapper()
                        .readTree(version(new JvmHost(Map.of("CNI_COMMAND", "VERSION"), input.getBytes(UTF_8)))))
                .isEqualTo(VersionInfo.allVersions(asked).toJson());
    }

    @Test
    void versionWaitsForNoInputThatDoesNotCome() {
        assertThat(version(new JvmHost(Map.of("CNI_COMMAND", "VERSION"), new byte[0]).endless()))
                .startsWith("{\"cniVersion\":\"1.1.0\"");
    }

    @Test
    void aConfigurationThatDoesNotEndIsAnError() {
        JvmHost host = new JvmHost(Map.of("CNI_COMMAND", "ADD"), new byte[] {'{'}).endless();

        assertThat(host.run()).isEqualTo(1);
        assertThat(new String(host.output(), UTF_8)).contains("\"code\":5").contains("no data for 30 s");
    }

    @Test
    void ofAVariableThatIsThereTwiceTheFirstOneCounts() {
        byte[][] twice = {"CNI_COMMAND=VERSION".getBytes(UTF_8), "CNI_COMMAND=STATUS".getBytes(UTF_8)};

        assertThat(version(new JvmHost(twice, new byte[0], ""))).contains("supportedVersions");
    }

    private static String version(JvmHost host) {
        assertThat(host.run()).isZero();
        return new String(host.output(), UTF_8);
    }
}
