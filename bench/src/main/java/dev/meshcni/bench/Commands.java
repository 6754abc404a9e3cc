// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;

/** Runs the machine's programs where their time does not count. */
final class Commands {
    private Commands() {}

    /** Runs one to its end; what it prints is only told when it fails. */
    static void run(String... command) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String printed = new String(process.getInputStream().readAllBytes(), UTF_8);
        int exit = process.onExit().join().exitValue();
        if (exit != 0) {
            throw new BenchException(String.join(" ", command) + " failed: " + printed);
        }
    }
}
