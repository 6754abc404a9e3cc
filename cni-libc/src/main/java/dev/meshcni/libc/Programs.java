// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.libc;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The directories of the system's programs. The agent may be started with any {@code PATH}, or none. */
public final class Programs {
    private static final List<String> DIRECTORIES =
            List.of("/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin", "/bin", "/usr/local/bin");

    private Programs() {}

    /** The directories of the system, then those of {@code PATH}. */
    public static List<Path> directories() {
        String path = System.getenv("PATH");
        Stream<String> more =
                path == null ? Stream.empty() : Stream.of(path.split(":", -1)).filter(part -> part.startsWith("/"));
        return Stream.concat(DIRECTORIES.stream(), more)
                .map(Path::of)
                .distinct()
                .toList();
    }

    /** The program of a name in the first directory that has it. */
    public static Optional<Path> find(String name) {
        return directories().stream()
                .map(directory -> directory.resolve(name))
                .filter(Files::isExecutable)
                .findFirst();
    }
}
