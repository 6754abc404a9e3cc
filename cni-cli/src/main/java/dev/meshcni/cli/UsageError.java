// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import dev.meshcni.rules.Nearest;
import java.io.PrintWriter;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Says what is wrong with a command line, what was probably meant, and how to get help. */
final class UsageError {
    private static final int SHORTEST = 2;

    private UsageError() {}

    /** Prints all that to standard error, and returns the exit code. */
    static int print(ParameterException failure) {
        CommandLine command = failure.getCommandLine();
        String name = command.getCommandSpec().qualifiedName();
        PrintWriter err = command.getErr();
        if (failure instanceof UnmatchedArgumentException unmatched) {
            printUnmatched(unmatched, name, err);
        } else {
            err.println(name + ": "
                    + failure.getMessage().replaceFirst("^Error: ", "").replace(" (case-insensitive)", ""));
        }
        err.println("See '" + name + " --help'.");
        return CommandLine.ExitCode.USAGE;
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
                + meant.map(nearest -> ", did you mean '" + nearest + "'?").orElse(""));
    }

    /** A letter is near to any other, so only long names are suggested, also for one with a single dash. */
    private static Optional<String> nearestOption(String word, CommandSpec command) {
        String plain = word.replaceFirst("^-+", "");
        return plain.length() < SHORTEST
                ? Optional.empty()
                : Nearest.to(
                        "--" + plain,
                        command.options().stream()
                                .filter(option -> !option.hidden())
                                .flatMap(option -> Stream.of(option.names()))
                                .filter(name -> name.startsWith("--"))
                                .toList());
    }
}
