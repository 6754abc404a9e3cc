// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ztunnel.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What this process holds: for tests that nothing is left of. */
public final class OpenFiles {
    private static final Path OWN = Path.of("/proc/self/fd");

    private OpenFiles() {}

    /** The number of its descriptors for sockets, events, and files below a directory. */
    public static long count(Path directory) {
        try (Stream<Path> descriptors = Files.list(OWN)) {
            return descriptors
                    .map(OpenFiles::target)
                    .filter(target -> target.startsWith("socket:")
                            || target.contains("[eventfd]")
                            || target.startsWith(directory.toString()))
                    .count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The names of the threads of ztunnel's connections, and of those that play ztunnel. */
    public static List<String> threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> name.contains("ztunnel"))
                .sorted()
                .toList();
    }

    private static String target(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString();
        } catch (IOException e) {
            // It was that of the listing.
            return "";
        }
    }
}
