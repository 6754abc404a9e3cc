// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class MeshcniTest {
    @Test
    void withoutACommandItPrintsTheHelpOfAll() {
        Run run = Run.meshcni();

        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).isEqualTo(Run.meshcni("--help").out()).contains("Usage: meshcni", "  rules ");
        assertThat(run.err()).isEmpty();
    }

    @Test
    void helpIsAlsoACommand() {
        assertThat(Run.meshcni("help").out()).isEqualTo(Run.meshcni("--help").out());
        assertThat(Run.meshcni("help", "rules").out())
                .isEqualTo(Run.meshcni("rules", "--help").out());
        assertThat(Run.meshcni("help", "rulse").err()).contains("unknown command 'rulse', did you mean 'rules'?");
    }

    @Test
    void aMisspeltCommandGetsASuggestion() {
        Run run = Run.meshcni("rulse", "--pod", "x.yaml");

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("unknown command 'rulse', did you mean 'rules'?");
    }

    @Test
    void aMisspeltOptionGetsASuggestion() {
        Run run = Run.meshcni("rules", "--pod", "x.yaml", "--fromat", "tree");

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err())
                .contains("unknown option '--fromat', did you mean '--format'?")
                .contains("meshcni rules --help");
    }

    @Test
    void aWrongValueNamesTheOptionAndWhatItTakes() {
        Run run = Run.meshcni("rules", "--pod", "x.yaml", "--format", "yaml");

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("--format").contains("yaml").contains("tree");
    }

    @Test
    void everyCommandHasHelpOnStandardOutput() {
        Map<String, CommandLine> commands = commands();

        assertThat(commands)
                .containsKeys("rules", "iptables", "explain", "verify", "validate", "completion", "version");
        assertThat(commands.keySet()).allSatisfy(command -> {
            Run run = Run.meshcni(command, "--help");
            assertThat(run.exitCode()).isZero();
            assertThat(run.out()).contains("Usage: meshcni " + command).contains("Exit codes:");
            assertThat(run.err()).isEmpty();
        });
    }

    @Test
    void theHelpListsEveryCommandWithADescription() {
        String help = Run.meshcni("--help").out();

        assertThat(commands().keySet())
                .allSatisfy(command -> assertThat(help).containsPattern("(?m)^  " + command + " +\\S"));
    }

    @Test
    void theVersionNamesTheSpecificationsItSpeaks() {
        Run run = Run.meshcni("version");

        assertThat(run.exitCode()).isZero();
        assertThat(run.out())
                .startsWith("mesh-cni ")
                .contains("CNI specification 0.1.0")
                .contains("1.1.0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"bash", "zsh"})
    void aShellLearnsTheCommandsAndTheirOptions(String shell) {
        Run run = Run.meshcni("completion", shell);

        assertThat(run.exitCode()).isZero();
        assertThat(run.out())
                .contains("complete -F _complete_meshcni")
                .contains("--pod")
                .contains("--netns");
    }

    @Test
    void aShellThatIsNotKnownIsAUsageError() {
        assertThat(Run.meshcni("completion", "tcsh").exitCode()).isEqualTo(2);
    }

    @Test
    void fishLearnsTheCommandsAndTheirOptions() {
        Run run = Run.meshcni("completion", "fish");

        assertThat(run.exitCode()).isZero();
        commands().forEach((name, command) -> {
            assertThat(run.out()).contains("--condition __fish_use_subcommand --arguments '" + name + "'");
            command.getCommandSpec().options().stream()
                    .filter(option -> !option.hidden())
                    .forEach(option -> assertThat(run.out())
                            .contains("--long-option " + option.longestName().substring(2) + " "));
        });
    }

    @Test
    void theManualHasAPageForEachCommandWithAllItsOptions(@TempDir Path directory) throws IOException {
        assertThat(Run.meshcni("man-pages", directory.toString()).exitCode()).isZero();

        assertThat(directory.resolve("man8/install-cni.8")).isNotEmptyFile();
        for (Map.Entry<String, CommandLine> command : commands().entrySet()) {
            assertThat(Files.readString(directory.resolve("man1/meshcni-" + command.getKey() + ".1")))
                    .as(command.getKey())
                    .contains(command.getValue().getCommandSpec().options().stream()
                            .filter(option -> !option.hidden())
                            .map(option -> "\\fB" + option.longestName().replace("-", "\\-") + "\\fR")
                            .toArray(String[]::new))
                    .doesNotContain("${");
        }
    }

    private static Map<String, CommandLine> commands() {
        Map<String, CommandLine> commands =
                new TreeMap<>(Meshcni.commandLine(Map.of()).getSubcommands());
        commands.values()
                .removeIf(command -> command.getCommandSpec().usageMessage().hidden());
        return commands;
    }
}
