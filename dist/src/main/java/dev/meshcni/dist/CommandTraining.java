// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.dist;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Runs the commands of {@code meshcni} that people wait for, and that change nothing. */
final class CommandTraining {
    private final Path dist;
    private final Path pod;
    private final Path scratch;

    CommandTraining(Path dist, Path pod, Path scratch) {
        this.dist = dist;
        this.pod = pod;
        this.scratch = scratch;
    }

    /** Gives the class list of each run. */
    List<Path> run() throws IOException {
        List<List<String>> commands = List.of(
                List.of("version"),
                List.of("rules", "--pod", pod.toString()),
                List.of("rules", "--pod", pod.toString(), "--format", "tree"),
                List.of("iptables", "--dry-run"));
        List<Path> classLists = new ArrayList<>();
        for (List<String> command : commands) {
            Path classList = scratch.resolve("meshcni." + classLists.size() + ".classes");
            run(command, classList);
            classLists.add(classList);
        }
        return classLists;
    }

    private void run(List<String> arguments, Path classList) throws IOException {
        List<String> command = new ArrayList<>(Program.MESHCNI.command(dist, AotCache.recording(classList)));
        command.addAll(arguments);
        Path output = scratch.resolve("meshcni.out");
        int exitCode = Processes.run(command, output);
        if (exitCode != 0) {
            throw new AssemblyException("meshcni " + String.join(" ", arguments) + " ended with exit code " + exitCode
                    + ":\n" + Files.readString(output, UTF_8));
        }
    }
}
