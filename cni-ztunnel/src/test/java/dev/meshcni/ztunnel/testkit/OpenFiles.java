// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ztunnel.testkit;

import static dev.meshcni.testkit.Eventually.eventually;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * What this process holds at a time: for tests that nothing is left of.
 *
 * @param directory where files of the test are
 * @param descriptors what is behind the descriptors for sockets, events, and files below the directory
 * @param threads the names of the threads of ztunnel's connections, and of those that play ztunnel
 */
public record OpenFiles(Path directory, List<String> descriptors, List<String> threads) {
    private static final Path OWN = Path.of("/proc/self/fd");

    /** What it holds now. */
    public static OpenFiles now(Path directory) {
        return new OpenFiles(directory, descriptors(directory), connectionThreads());
    }

    /** Waits until it holds nothing that it did not hold then. */
    public void awaitNothingMore() throws Exception {
        try {
            eventually("nothing more is held", () -> more().isEmpty());
        } catch (AssertionError e) {
            throw new AssertionError("still there: " + more(), e);
        }
    }

    private List<String> more() {
        List<String> more = new ArrayList<>(descriptors(directory));
        descriptors.forEach(more::remove);
        List<String> running = new ArrayList<>(connectionThreads());
        threads.forEach(running::remove);
        more.addAll(running);
        return more;
    }

    /** What is behind its descriptors for sockets, events, and files below a directory. */
    private static List<String> descriptors(Path directory) {
        try (Stream<Path> descriptors = Files.list(OWN)) {
            return descriptors
                    .map(OpenFiles::target)
                    .filter(target -> target.startsWith("socket:")
                            || target.contains("[eventfd]")
                            || target.startsWith(directory.toString()))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The names of the threads of ztunnel's connections, and of those that play ztunnel. */
    public static List<String> connectionThreads() {
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
