// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import dev.meshcni.usage.FishCompletion;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes the script that teaches a shell to complete the command line. */
@Command(
        name = "completion",
        description = "Print a shell completion script for commands, options and values.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  source <(meshcni completion bash)",
            "  meshcni completion zsh > ~/.meshcni-completion && echo 'source ~/.meshcni-completion' >> ~/.zshrc",
            "  meshcni completion fish > ~/.config/fish/completions/meshcni.fish",
            "",
            "kubectl completes \"kubectl meshcni\" by itself where kubectl_complete-meshcni is in the PATH."
        })
final class CompletionCommand implements Runnable {
    private static final String PROGRAM = "meshcni";

    /** The shells: one script serves the first two, as it turns on zsh's support of bash's completion itself. */
    enum Shell {
        bash,
        zsh,
        fish
    }

    @Parameters(paramLabel = "SHELL", description = "The shell: ${COMPLETION-CANDIDATES}.")
    private Shell shell;

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        spec.commandLine().getOut().println(script(shell, spec.root().commandLine()));
    }

    private static String script(Shell shell, CommandLine root) {
        return switch (shell) {
            case bash, zsh -> AutoComplete.bash(PROGRAM, root);
            case fish -> FishCompletion.of(PROGRAM, root);
        };
    }
}
