// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import dev.meshcni.api.SpecVersion;
import dev.meshcni.config.ProductVersion;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Says what this build is. */
@Command(name = "version", description = "Print the version of this build, of the CNI specification and of Java.")
final class VersionCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        String versions =
                Arrays.stream(SpecVersion.values()).map(SpecVersion::text).collect(Collectors.joining(", "));
        PrintWriter out = spec.commandLine().getOut();
        out.println("mesh-cni " + ProductVersion.text());
        out.println("CNI specification " + versions);
        out.println("Java " + Runtime.version());
    }
}
