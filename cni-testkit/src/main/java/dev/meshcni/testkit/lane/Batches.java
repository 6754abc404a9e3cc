// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit.lane;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** A directory from which processes take batches, each a file, and into which they write what became of them. */
final class Batches {
    private final Path open;
    private final Path taken;
    private final Path results;
    private final Path failures;

    Batches(Path directory) {
        open = directory.resolve("open");
        taken = directory.resolve("taken");
        results = directory.resolve("results");
        failures = directory.resolve("failures");
    }

    /** Makes them, in place of those of an earlier run. */
    void make(List<Batch> batches) throws IOException {
        for (Path directory : List.of(open, taken, results, failures)) {
            Files.createDirectories(directory);
            try (Stream<Path> files = Files.list(directory)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
        }
        for (Batch batch : batches) {
            Files.write(open.resolve(batch.name()), batch.classes());
        }
    }

    /** The next one, in the order of their names; nothing if all are taken. */
    Optional<Batch> take() throws IOException {
        List<Path> left;
        try (Stream<Path> files = Files.list(open)) {
            left = files.sorted().toList();
        }
        for (Path file : left) {
            Optional<Batch> batch = take(file);
            if (batch.isPresent()) {
                return batch;
            }
        }
        return Optional.empty();
    }

    private Optional<Batch> take(Path file) throws IOException {
        String name = file.getFileName().toString();
        try {
            return Optional.of(new Batch(name, Files.readAllLines(Files.move(file, taken.resolve(name)))));
        } catch (NoSuchFileException e) {
            // Another process was faster.
            return Optional.empty();
        }
    }

    void write(Batch batch, List<ClassResult> classes, String failed) throws IOException {
        Files.write(
                results.resolve(batch.name()),
                classes.stream().map(ClassResult::line).toList());
        if (!failed.isEmpty()) {
            Files.writeString(failures.resolve(batch.name()), failed);
        }
    }

    List<ClassResult> results() throws IOException {
        try (Stream<Path> files = Files.list(results)) {
            return files.sorted()
                    .flatMap(file -> lines(file).stream())
                    .map(ClassResult::parse)
                    .toList();
        }
    }

    /** What failed, batch by batch, with stack traces. */
    List<String> failures() throws IOException {
        try (Stream<Path> files = Files.list(failures)) {
            return files.sorted().flatMap(file -> lines(file).stream()).toList();
        }
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
