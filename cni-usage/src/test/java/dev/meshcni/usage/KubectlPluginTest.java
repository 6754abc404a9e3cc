// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.usage;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class KubectlPluginTest {
    @Test
    void helpCallsTheProgramAsItIsTypedAndLeavesItsNameElsewhere() {
        CommandLine root = KubectlPlugin.named(Sample.commandLine());

        assertThat(root.getUsageMessage()).startsWith("Usage: kubectl meshcni");
        assertThat(root.getSubcommands().get("show").getUsageMessage())
                .startsWith("Usage: kubectl meshcni show")
                .contains("The daemon of sample (meshcni) runs kubectl meshcni show there.");
    }

    @ParameterizedTest
    @CsvSource({
        "'', show :4",
        "sh, show :4",
        "x, :4",
        "show|--o, --output :4",
        "show|-o|, text json :4",
        "show|--output|j, json :4",
        "show|-f|, :0",
        "show|--verbose|, :4",
        "--help|sh, show :4"
    })
    void kubectlIsToldWhatMayFollow(String words, String expected) {
        List<String> given = words.isEmpty() ? List.of("") : List.of(words.split("\\|", -1));

        assertThat(KubectlPlugin.completions(Sample.commandLine(), given))
                .containsExactlyElementsOf(List.of(expected.split(" ", -1)));
    }
}
