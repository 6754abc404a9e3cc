// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.daemon.InstallCni;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** What {@code --help} prints for each command. */
class HelpTest {
    private static final int NARROW = 80;
    private static final int COLUMNS = 100;

    static Stream<CommandLine> commands() {
        CommandLine meshcni = Meshcni.commandLine(Map.of());
        return Stream.concat(Stream.of(meshcni, InstallCni.commandLine()), meshcni.getSubcommands().values().stream());
    }

    @ParameterizedTest
    @MethodSource("commands")
    void examplesCanBeCopied(CommandLine command) {
        String help = help(command, NARROW);

        assertThat(command.getCommandSpec().usageMessage().footer())
                .allSatisfy(line -> assertThat(help.lines()).contains(line));
    }

    @ParameterizedTest
    @MethodSource("commands")
    void itFitsATerminal(CommandLine command) {
        assertThat(help(command, COLUMNS).lines()).allMatch(line -> line.length() <= COLUMNS);
    }

    /** Values such as {@code tcp:10.0.0.1:443} and labels of Istio's are copied from descriptions. */
    @ParameterizedTest
    @MethodSource("commands")
    void linesOfADescriptionEndBetweenWords(CommandLine command) {
        List<String> words = words(help(command, NARROW));

        assertThat(command.getCommandSpec().options())
                .filteredOn(option -> !option.hidden())
                .allSatisfy(option -> assertThat(words).containsAll(wordsThatFit(option)));
    }

    /** What stands for a value is a word for it, and not the name of a field. */
    @ParameterizedTest
    @MethodSource("commands")
    void valuesHaveNames(CommandLine command) {
        assertThat(command.getCommandSpec().options())
                .filteredOn(option -> option.arity().max() > 0)
                .extracting(OptionSpec::paramLabel)
                .noneMatch(label -> label.contains("<"));
    }

    @ParameterizedTest
    @MethodSource("commands")
    void everyOptionIsDescribed(CommandLine command) {
        assertThat(command.getCommandSpec().options())
                .filteredOn(option -> !option.hidden())
                .allSatisfy(HelpTest::isDescribed);
    }

    /** What help leaves out, such as flags that are accepted for those who come from Istio, is on a page. */
    @ParameterizedTest
    @MethodSource("commands")
    void whatIsHiddenIsOnAPage(CommandLine command) {
        String pages = Pages.ofUsers().stream().map(Pages::read).collect(Collectors.joining());

        assertThat(command.getCommandSpec().options())
                .filteredOn(OptionSpec::hidden)
                .allSatisfy(option -> assertThat(option.names())
                        .allSatisfy(name -> assertThat(pages).containsPattern("`" + Pattern.quote(name) + "[` ]")));
    }

    private static List<String> wordsThatFit(OptionSpec option) {
        return words(String.join(" ", option.description())).stream()
                .filter(word -> !word.contains("${") && word.length() < NARROW / 2)
                .toList();
    }

    private static List<String> words(String text) {
        return List.of(text.strip().split("\\s+"));
    }

    private static void isDescribed(OptionSpec option) {
        assertThat(String.join("", Arrays.asList(option.description())))
                .as(option.longestName())
                .isNotBlank();
    }

    private static String help(CommandLine command, int columns) {
        return command.setUsageHelpAutoWidth(false)
                .setUsageHelpWidth(columns)
                .getUsageMessage()
                .replace(System.lineSeparator(), "\n");
    }
}
