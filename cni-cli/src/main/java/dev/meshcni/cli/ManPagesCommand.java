// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import dev.meshcni.config.ProductVersion;
import dev.meshcni.daemon.InstallCni;
import dev.meshcni.usage.ManPages;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes the manual pages of both programs, for the distribution. */
@Command(name = "man-pages", hidden = true, description = "Write the manual pages of meshcni and install-cni.")
final class ManPagesCommand implements Callable<Integer> {
    @Parameters(paramLabel = "DIR", description = "Directory of the manual, such as /usr/local/share/man.")
    private Path directory;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        new ManPages(spec.root().commandLine(), 1, ProductVersion.text()).write(directory);
        new ManPages(new CommandLine(InstallCni.class), 8, ProductVersion.text()).write(directory);
        return CommandLine.ExitCode.OK;
    }
}
