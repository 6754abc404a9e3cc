// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import java.io.PrintWriter;
import java.util.Collection;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Says what is wrong with a command line, what was probably meant, and how to get help. */
final class UsageError {
    private UsageError() {}

    /** Prints all that to standard error, and returns the exit code. */
    static int print(ParameterException failure) {
        CommandLine command = failure.getCommandLine();
        String name = command.getCommandSpec().qualifiedName();
        PrintWriter err = command.getErr();
        if (failure instanceof UnmatchedArgumentException unmatched) {
            printUnmatched(unmatched, name, err);
        } else {
            err.println(name + ": " + failure.getMessage().replaceFirst("^Error: ", ""));
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
        Collection<String> names = option
                ? command.getCommandSpec().optionsMap().keySet()
                : command.getSubcommands().keySet();
        err.println(name + ": unknown " + kind + " '" + word + "'"
                + Nearest.to(word, names)
                        .map(nearest -> ", did you mean '" + nearest + "'?")
                        .orElse(""));
    }
}
