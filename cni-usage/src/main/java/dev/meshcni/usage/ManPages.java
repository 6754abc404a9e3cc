// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.usage;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/**
 * Manual pages of a program and of each of its commands, for man(1): what {@code --help} says, in the form of man(7).
 */
public final class ManPages {
    private final CommandLine root;
    private final int section;
    private final String version;

    /**
     * @param section of the manual: 1 for users, 8 for those who run the system
     * @param version of the program
     */
    public ManPages(CommandLine root, int section, String version) {
        this.root = requireNonNull(root, "root is null");
        this.section = section;
        this.version = requireNonNull(version, "version is null");
    }

    /** Writes the pages into the directories of a manual, such as {@code man1}. */
    public void write(Path manual) throws IOException {
        Path directory = Files.createDirectories(manual.resolve("man" + section));
        for (CommandLine command : commands()) {
            Files.writeString(directory.resolve(name(command) + "." + section), page(command), UTF_8);
        }
    }

    private List<CommandLine> commands() {
        return Stream.concat(
                        Stream.of(root),
                        root.getSubcommands().values().stream()
                                .filter(command ->
                                        !command.getCommandSpec().usageMessage().hidden()))
                .toList();
    }

    /** The page of a command. */
    String page(CommandLine command) {
        CommandSpec spec = command.getCommandSpec();
        List<String> description =
                Stream.of(spec.usageMessage().description()).map(ManPages::text).toList();
        StringBuilder page = new StringBuilder();
        page.append(".TH ")
                .append(roff(name(command).toUpperCase(Locale.ROOT)))
                .append(' ')
                .append(section)
                .append(" \"\" \"mesh\\-cni ")
                .append(roff(version))
                .append("\" \"mesh\\-cni\"\n.nh\n.ad l\n");
        page.append(".SH NAME\n")
                .append(roff(name(command)))
                .append(" \\- ")
                .append(roff(firstSentence(description)))
                .append('\n');
        page.append(".SH SYNOPSIS\n").append(synopsis(command));
        page.append(".SH DESCRIPTION\n").append(paragraphs(description));
        arguments(spec, page);
        options(spec, page);
        subcommands(command, page);
        exitCodes(spec, page);
        footer(spec, page);
        page.append(".SH SEE ALSO\n")
                .append(commands().stream()
                        .filter(other -> !other.equals(command))
                        .map(other -> ".BR " + roff(name(other)) + " (" + section + ")")
                        .collect(Collectors.joining(",\n", "", "\n")));
        return page.toString();
    }

    private String name(CommandLine command) {
        String program = root.getCommandName();
        return command.equals(root) ? program : program + "-" + command.getCommandName();
    }

    private static String synopsis(CommandLine command) {
        String text = new Help(command.getCommandSpec(), Help.defaultColorScheme(Ansi.OFF)).synopsis(0);
        return ".nf\n"
                + text.strip().lines().map(line -> line(line.stripTrailing())).collect(Collectors.joining()) + ".fi\n";
    }

    private static void arguments(CommandSpec spec, StringBuilder page) {
        List<PositionalParamSpec> parameters = spec.positionalParameters().stream()
                .filter(parameter -> !parameter.hidden())
                .toList();
        if (!parameters.isEmpty()) {
            page.append(".SH ARGUMENTS\n");
            parameters.forEach(
                    parameter -> item("\\fI" + roff(parameter.paramLabel()) + "\\fR", parameter.description(), page));
        }
    }

    private static void options(CommandSpec spec, StringBuilder page) {
        page.append(".SH OPTIONS\n");
        spec.options().stream().filter(option -> !option.hidden()).forEach(option -> {
            String names = Stream.of(option.names())
                    .map(name -> "\\fB" + roff(name) + "\\fR")
                    .collect(Collectors.joining(", "));
            item(names + value(option), option.description(), page);
        });
    }

    private static String value(OptionSpec option) {
        if (option.arity().max() == 0) {
            return "";
        }
        String value = "=\\fI" + roff(option.paramLabel()) + "\\fR";
        return option.arity().min() == 0 ? "[" + value + "]" : value;
    }

    private void subcommands(CommandLine command, StringBuilder page) {
        if (command.equals(root) && !root.getSubcommands().isEmpty()) {
            page.append(".SH COMMANDS\n");
            commands().stream()
                    .skip(1)
                    .forEach(each -> item(
                            "\\fB" + roff(name(each)) + "\\fR(" + section + ")",
                            Stream.of(each.getCommandSpec().usageMessage().description())
                                    .limit(1)
                                    .toArray(String[]::new),
                            page));
        }
    }

    private static void exitCodes(CommandSpec spec, StringBuilder page) {
        Map<String, String> codes = spec.usageMessage().exitCodeList();
        if (!codes.isEmpty()) {
            page.append(".SH EXIT STATUS\n");
            codes.forEach((code, meaning) -> item(roff(code), new String[] {meaning}, page));
        }
    }

    /** Examples as they are, other lines as text. */
    private static void footer(CommandSpec spec, StringBuilder page) {
        List<String> lines = Stream.of(spec.usageMessage().footer())
                .map(ManPages::text)
                .flatMap(String::lines)
                .toList();
        if (lines.stream().allMatch(String::isBlank)) {
            return;
        }
        page.append(lines.stream().anyMatch(line -> line.startsWith("  ")) ? ".SH EXAMPLES\n" : ".SH NOTES\n");
        for (String line : lines) {
            if (line.startsWith("  ")) {
                page.append(".PP\n.nf\n").append(line(line.strip())).append(".fi\n");
            } else if (!line.isBlank()) {
                page.append(".PP\n").append(line(line));
            }
        }
    }

    private static void item(String term, String[] description, StringBuilder page) {
        page.append(".TP\n").append(term).append('\n');
        List<String> lines = new ArrayList<>();
        Stream.of(description).map(ManPages::text).flatMap(String::lines).forEach(lines::add);
        lines.stream().filter(line -> !line.isBlank()).forEach(line -> page.append(line(line.strip())));
    }

    private static String paragraphs(List<String> lines) {
        return lines.stream()
                .filter(line -> !line.isBlank())
                .map(line -> ".PP\n" + line(line.strip()))
                .collect(Collectors.joining());
    }

    /** Text as picocli prints it: without markup, and with line breaks. */
    private static String text(String template) {
        return Ansi.OFF.string(template.replace("%n", "\n").replace("%%", "%"));
    }

    private static String firstSentence(List<String> description) {
        String text = String.join(" ", description);
        int end = text.indexOf(". ");
        String first = end < 0 ? text : text.substring(0, end);
        String sentence = first.replaceFirst("[.:]$", "");
        return sentence.isEmpty() ? "" : sentence.substring(0, 1).toLowerCase(Locale.ROOT) + sentence.substring(1);
    }

    /** A line of text, which roff would take for a request if it began with a dot or a quote. */
    private static String line(String text) {
        String escaped = roff(text);
        return (escaped.startsWith(".") || escaped.startsWith("'") ? "\\&" : "") + escaped + "\n";
    }

    private static String roff(String text) {
        return text.replace("\\", "\\e").replace("-", "\\-");
    }
}
