// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import picocli.CommandLine;

/** One command that was run, and what came of it. */
record Run(int exitCode, String out, String err) {
    /** What it printed, with each variable of a container on one line. */
    String variables() {
        return out.replaceAll("name: \"([A-Z_]+)\"\\s+value: ", "$1: ");
    }

    static Run meshcni(String... arguments) {
        return meshcni(Map.of(), arguments);
    }

    static Run meshcni(Map<String, String> environment, String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine commandLine = Meshcni.commandLine(environment);
        commandLine.setOut(new PrintWriter(out, true));
        commandLine.setErr(new PrintWriter(err, true));
        int exitCode = commandLine.execute(arguments);
        return new Run(exitCode, out.toString(), err.toString());
    }
}
