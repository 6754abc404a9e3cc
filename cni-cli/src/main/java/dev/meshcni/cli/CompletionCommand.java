// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import picocli.AutoComplete;
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
            "  meshcni completion zsh > ~/.meshcni-completion && echo 'source ~/.meshcni-completion' >> ~/.zshrc"
        })
final class CompletionCommand implements Runnable {
    /** The shells: one script serves both, as it turns on zsh's support of bash's completion itself. */
    enum Shell {
        bash,
        zsh
    }

    @Parameters(paramLabel = "SHELL", description = "The shell: ${COMPLETION-CANDIDATES}.")
    private Shell shell;

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        switch (shell) {
            case bash, zsh ->
                spec.commandLine()
                        .getOut()
                        .println(AutoComplete.bash("meshcni", spec.root().commandLine()));
        }
    }
}
