// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.dist;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The files of {@code share/} for whoever types the commands, which the command line writes itself. */
final class UserFiles {
    private UserFiles() {}

    /** Writes the manual pages, and the completion for each shell where a package of the system has it. */
    static void write(Path dist, Path scratch) throws IOException {
        Path share = Files.createDirectories(dist.resolve("share"));
        run(dist, scratch, "man-pages", share.resolve("man").toString());
        completion(dist, scratch, "bash", share.resolve("bash-completion/completions/meshcni"));
        completion(dist, scratch, "zsh", share.resolve("zsh/meshcni"));
        completion(dist, scratch, "fish", share.resolve("fish/vendor_completions.d/meshcni.fish"));
    }

    private static void completion(Path dist, Path scratch, String shell, Path file) throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, run(dist, scratch, "completion", shell), UTF_8);
    }

    private static String run(Path dist, Path scratch, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(Program.MESHCNI.command(dist, List.of()));
        command.addAll(List.of(arguments));
        Path output = scratch.resolve("user-files.out");
        int exitCode = Processes.run(command, output);
        String text = Files.readString(output, UTF_8);
        if (exitCode != 0) {
            throw new AssemblyException(
                    "meshcni " + String.join(" ", arguments) + " ended with exit code " + exitCode + ":\n" + text);
        }
        return text;
    }
}
