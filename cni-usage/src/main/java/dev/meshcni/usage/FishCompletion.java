// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.usage;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** The script that teaches fish the commands, their options, and the values of these: one {@code complete} for each. */
public final class FishCompletion {
    private final String program;
    private final List<String> lines = new ArrayList<>();

    private FishCompletion(String program) {
        this.program = program;
    }

    /** The script for a command line that is called by this name. */
    public static String of(String program, CommandLine root) {
        FishCompletion script = new FishCompletion(program);
        script.lines.add("# Completion of " + program + " for fish; made by: " + program + " completion fish");
        script.line("--no-files");
        script.options(root.getCommandSpec(), "__fish_use_subcommand");
        root.getSubcommands().forEach((name, command) -> {
            if (command.getCommandSpec().usageMessage().hidden()) {
                return;
            }
            script.line(
                    "--condition __fish_use_subcommand",
                    "--arguments " + quoted(name),
                    "--description "
                            + quoted(description(
                                    command.getCommandSpec().usageMessage().description())));
            script.options(command.getCommandSpec(), quoted("__fish_seen_subcommand_from " + name));
        });
        return String.join("\n", script.lines) + "\n";
    }

    private void options(CommandSpec command, String condition) {
        command.options().stream().filter(option -> !option.hidden()).forEach(option -> option(option, condition));
        command.positionalParameters().stream()
                .filter(parameter -> parameter.completionCandidates() != null)
                .forEach(parameter -> line(
                        "--condition " + condition, "--arguments " + quoted(words(parameter.completionCandidates()))));
    }

    private void option(OptionSpec option, String condition) {
        List<String> parts = new ArrayList<>(List.of("--condition " + condition));
        for (String name : option.names()) {
            parts.add(
                    name.startsWith("--")
                            ? "--long-option " + name.substring(2)
                            : (name.length() == 2 ? "--short-option " : "--old-option ") + name.substring(1));
        }
        if (option.completionCandidates() != null && option.arity().max() > 0) {
            parts.add("--exclusive --arguments " + quoted(words(option.completionCandidates())));
        } else if (isFile(option)) {
            parts.add("--require-parameter --force-files");
        } else if (option.arity().min() > 0) {
            parts.add("--exclusive");
        }
        parts.add("--description " + quoted(description(option.description())));
        line(parts.toArray(String[]::new));
    }

    private void line(String... parts) {
        lines.add("complete --command " + program + " " + String.join(" ", parts));
    }

    private static boolean isFile(OptionSpec option) {
        return option.paramLabel().endsWith("FILE") || option.paramLabel().endsWith("DIR");
    }

    private static String words(Iterable<String> candidates) {
        return StreamSupport.stream(candidates.spliterator(), false).collect(Collectors.joining(" "));
    }

    /** The first sentence. */
    private static String description(String... lines) {
        String text = String.join(" ", lines);
        int end = text.indexOf(". ");
        return (end < 0 ? text : text.substring(0, end)).replaceFirst("\\.$", "");
    }

    private static String quoted(String text) {
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'";
    }
}
