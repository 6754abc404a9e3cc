// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.config;

import static java.util.Objects.requireNonNull;

import dev.meshcni.rules.Nearest;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Says what is wrong with a command line or an environment, what was probably meant, and how to get help. */
public final class UsageError implements IParameterExceptionHandler {
    private static final int SHORTEST = 2;
    private static final String FILE_OPTION = "-f";

    private final EnvironmentDefaults environment;

    /** Errors of a command line whose options have this environment as their defaults. */
    public UsageError(Map<String, String> environment) {
        this.environment = new EnvironmentDefaults(requireNonNull(environment, "environment is null"));
    }

    /** Prints the error to standard error. */
    @Override
    public int handleParseException(ParameterException failure, String[] arguments) {
        CommandLine command = failure.getCommandLine();
        String name = command.getCommandSpec().qualifiedName();
        PrintWriter err = command.getErr();
        if (failure instanceof UnmatchedArgumentException unmatched) {
            printUnmatched(unmatched, name, err);
        } else {
            err.println(name + ": " + text(failure, arguments));
        }
        err.println("See '" + name + " --help'.");
        return CommandLine.ExitCode.USAGE;
    }

    private String text(ParameterException failure, String[] arguments) {
        String text = ParserText.plain(failure.getMessage());
        if (!(failure.getArgSpec() instanceof OptionSpec option)) {
            return text;
        }
        Optional<String> given = given(option, arguments);
        return given.isPresent()
                ? text.replace("'" + option.longestName() + "'", "'" + longName(option, given.get()) + "'")
                : environment
                        .variableOf(option)
                        .map(variable -> text.replaceFirst(
                                "for option '[^']*'( \\([^)]*\\))?", "for environment variable " + variable))
                        .orElse(text);
    }

    /** The name by which an argument names an option; empty if its value comes from the environment. */
    private static Optional<String> given(OptionSpec option, String[] arguments) {
        return Stream.of(option.names())
                .filter(name -> Stream.of(arguments)
                        .anyMatch(argument -> argument.equals(name)
                                || argument.startsWith(name.startsWith("--") ? name + "=" : name)))
                .findFirst();
    }

    private static String longName(OptionSpec option, String given) {
        return given.startsWith("--") ? given : option.longestName();
    }

    private static void printUnmatched(UnmatchedArgumentException unmatched, String name, PrintWriter err) {
        CommandLine command = unmatched.getCommandLine();
        String word = unmatched.getUnmatched().getFirst().replaceFirst("=.*", "");
        boolean option = word.startsWith("-");
        boolean subcommand = !option && !command.getSubcommands().isEmpty();
        String kind = option ? "option" : subcommand ? "command" : "argument";
        Optional<String> meant = option
                ? nearestOption(word, command.getCommandSpec())
                : Nearest.to(word, command.getSubcommands().keySet());
        err.println(name + ": unknown " + kind + " '" + word + "'"
                + meant.map(nearest -> ", did you mean '" + nearest + "'?")
                        .orElseGet(() -> kind.equals("argument") ? fileOption(word, command.getCommandSpec()) : ""));
    }

    /** Files have an option, as with kubectl. */
    private static String fileOption(String word, CommandSpec command) {
        return command.findOption(FILE_OPTION) != null && (word.equals("-") || isFile(word))
                ? ", did you mean '" + FILE_OPTION + " " + word + "'?"
                : "";
    }

    private static boolean isFile(String word) {
        try {
            return Files.isRegularFile(Path.of(word));
        } catch (InvalidPathException _) {
            return false;
        }
    }

    /**
     * A letter is near to any other, so only long names are suggested, also for one with a single dash. Where none is
     * near, the only one that begins so is meant: {@code --timeout} for {@code --timeout-seconds}.
     */
    private static Optional<String> nearestOption(String word, CommandSpec command) {
        String name = "--" + word.replaceFirst("^-+", "");
        if (name.length() < SHORTEST + "--".length()) {
            return Optional.empty();
        }
        List<String> names = command.options().stream()
                .filter(option -> !option.hidden())
                .flatMap(option -> Stream.of(option.names()))
                .filter(known -> known.startsWith("--"))
                .toList();
        List<String> longer =
                names.stream().filter(known -> known.startsWith(name)).toList();
        return Nearest.to(name, names).or(() -> longer.size() == 1 ? Optional.of(longer.getFirst()) : Optional.empty());
    }
}
