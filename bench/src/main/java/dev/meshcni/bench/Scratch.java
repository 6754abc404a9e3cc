// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/** A directory that is gone, with all that is in it, when it is closed. */
record Scratch(Path directory) implements AutoCloseable {
    private static final String NAME = "mesh-cni-bench-";
    private static final Path MEMORY = Path.of("/dev/shm");

    static Scratch make() throws IOException {
        return new Scratch(Files.createTempDirectory(NAME));
    }

    /** A directory in memory, if this machine has a file system there. */
    static Scratch inMemory() throws IOException {
        return Files.isWritable(MEMORY) ? new Scratch(Files.createTempDirectory(MEMORY, NAME)) : make();
    }

    @Override
    public void close() throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
