// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

class EnvironmentDefaultsTest {
    private static final OptionSpec PORT =
            OptionSpec.builder("-p", "--envoy-port").defaultValue("1").build();

    @Test
    void aVariableIsTheValueOfAnOptionThatIsNotGiven() {
        assertThat(new EnvironmentDefaults(Map.of("ENVOY_PORT", "2")).defaultValue(PORT))
                .isEqualTo("2");
    }

    @Test
    void anEmptyVariableIsNone() {
        assertThat(new EnvironmentDefaults(Map.of("ENVOY_PORT", "")).defaultValue(PORT))
                .isEqualTo("1");
    }

    @Test
    void aNameOfOneLetterHasNone() {
        assertThat(new EnvironmentDefaults(Map.of("P", "2")).defaultValue(PORT)).isEqualTo("1");
    }

    /** A container may have such variables for its own ends. */
    @ParameterizedTest
    @ValueSource(strings = {"HELP", "VERSION", "H", "V"})
    void helpAndVersionHaveNone(String variable) {
        CommandLine commandLine = new CommandLine(CommandSpec.create().mixinStandardHelpOptions(true))
                .setDefaultValueProvider(new EnvironmentDefaults(Map.of(variable, "1.2")));

        assertThat(commandLine.parseArgs().hasMatchedOption("--help")).isFalse();
        assertThat(commandLine.isUsageHelpRequested()).isFalse();
        assertThat(commandLine.isVersionHelpRequested()).isFalse();
    }
}
