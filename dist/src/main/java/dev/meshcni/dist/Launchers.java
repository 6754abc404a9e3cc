// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.dist;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/**
 * The files of {@code bin/} that start a JVM: POSIX shell scripts, which find the tree they stand in and become the
 * JVM.
 */
final class Launchers {
    private static final String JVM_ARGUMENTS = "@jvm-arguments@";
    private static final String HEAP = "@heap@";
    private static final String DEFAULT_HEAP = "@default-heap@";

    /** The names under which kubectl finds the command line, and what completes it. */
    private static final List<String> KUBECTL = List.of("kubectl-meshcni", "kubectl_complete-meshcni");

    private Launchers() {}

    /**
     * Writes them from the template named {@code program}, into which the one named {@code heap} is put where the heap
     * follows the limit of memory.
     */
    static void write(Path templates, Path dist) throws IOException {
        Path bin = Files.createDirectories(dist.resolve("bin"));
        for (Program program : Program.ALL) {
            String template = Files.readString(templates.resolve("program"), UTF_8);
            String heap = program.options().contains(Program.DAEMON_HEAP)
                    ? Files.readString(templates.resolve("heap"), UTF_8)
                    : "";
            Path launcher = bin.resolve(program.fileName());
            Files.writeString(
                    launcher,
                    template.replace(HEAP, heap)
                            .replace(DEFAULT_HEAP, Program.DAEMON_HEAP)
                            .replace(JVM_ARGUMENTS, jvmArguments(program)),
                    UTF_8);
            Files.setPosixFilePermissions(launcher, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
        for (String name : KUBECTL) {
            Files.createSymbolicLink(bin.resolve(name), Path.of(Program.MESHCNI.fileName()));
        }
    }

    private static String jvmArguments(Program program) {
        List<String> lines = new ArrayList<>(program.options());
        // What the part named heap has chosen.
        lines.replaceAll(option -> option.equals(Program.DAEMON_HEAP) ? "\"$heap\"" : literal(option));
        lines.add("\"-XX:AOTCache=$home/" + program.cache() + '"');
        if (program.equals(Program.MESHCNI)) {
            // kubectl knows it by other names.
            lines.add("\"-Dmeshcni.program=${0##*/}\"");
        }
        lines.add("-m " + program.mainClass());
        return String.join(" \\\n  ", lines);
    }

    /** An option as the shell has to see it: as it is, whatever files there are. */
    private static String literal(String option) {
        return option.indexOf('*') < 0 ? option : "'" + option + "'";
    }
}
