// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import java.util.List;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** {@code meshcni help COMMAND}, for {@code meshcni COMMAND --help}. */
@Command(name = "help", helpCommand = true, description = "Print the help of a command, or of all in brief.")
final class HelpCommand implements Runnable {
    @Parameters(arity = "0..1", paramLabel = "COMMAND", description = "The command.")
    private String command;

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        CommandLine all = spec.root().commandLine();
        CommandLine meant = command == null
                ? all
                : Optional.ofNullable(all.getSubcommands().get(command))
                        .orElseThrow(() -> new UnmatchedArgumentException(all, List.of(command)));
        meant.usage(spec.commandLine().getOut());
    }
}
