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
    @Parameters(index = "0", arity = "0..1", paramLabel = "COMMAND", description = "The command.")
    private String command;

    /** Of a help command picocli takes what is not expected without a word. */
    @Parameters(index = "1..*", hidden = true)
    private List<String> surplus;

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        if (surplus != null) {
            throw new UnmatchedArgumentException(spec.commandLine(), surplus);
        }
        CommandLine all = spec.root().commandLine();
        CommandLine meant = command == null
                ? all
                : Optional.ofNullable(all.getSubcommands().get(command))
                        .orElseThrow(() -> new UnmatchedArgumentException(all, List.of(command)));
        meant.usage(spec.commandLine().getOut());
    }
}
