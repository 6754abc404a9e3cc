// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.dist;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Child processes with an environment of our own, bounded in time, whose output goes to a file. */
final class Processes {
    private static final long LIMIT_SECONDS = 120;

    private Processes() {}

    /** Runs a command with no environment and no input, and gives its exit code. */
    static int run(List<String> command, Path output) throws IOException {
        return run(command, Map.of(), output);
    }

    /** Runs a command with an environment and no input, and gives its exit code. */
    static int run(List<String> command, Map<String, String> environment, Path output) throws IOException {
        return waitFor(start(command, environment, Path.of("/dev/null"), output));
    }

    /** Starts a command. */
    static Process start(List<String> command, Map<String, String> environment, Path input, Path output)
            throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectInput(input.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        builder.environment().clear();
        builder.environment().putAll(environment);
        return builder.start();
    }

    /** Waits for the end of a process, and gives its exit code. */
    static int waitFor(Process process) {
        try {
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                throw new AssemblyException("Still running after " + LIMIT_SECONDS + " seconds: " + process.info());
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssemblyException("Interrupted", e);
        } finally {
            process.destroyForcibly();
        }
    }
}
