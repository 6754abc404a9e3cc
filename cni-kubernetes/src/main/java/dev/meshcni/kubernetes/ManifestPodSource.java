// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import static java.util.Objects.requireNonNull;

import dev.meshcni.config.DaemonException;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.PodSource;
import dev.meshcni.core.spi.PodSourceException;
import dev.meshcni.redirect.Pod;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The pods of a directory of manifests, for machines without an API server. The directory is read at every look-up, so
 * that files may come and go; a file is parsed again only when it has changed.
 */
public final class ManifestPodSource implements PodSource {
    private static final Logger LOG = LoggerFactory.getLogger(ManifestPodSource.class);
    private static final Duration POLL = Duration.ofMillis(50);

    private record Parsed(FileTime modified, long size, List<Pod> pods) {}

    private final Path directory;
    private final Map<Path, Parsed> files = new ConcurrentHashMap<>();

    public ManifestPodSource(Path directory) {
        this.directory = requireNonNull(directory, "directory is null");
    }

    /** Reads what is there now, so that the first look-up has only to read what is new. */
    public void readAhead() {
        try {
            pods();
        } catch (PodSourceException e) {
            LOG.warn("{}", e.getMessage());
        }
    }

    @Override
    public Optional<Pod> find(String namespace, String name, String uid, Predicate<Pod> doubtful, Duration patience) {
        Deadline deadline = Deadline.after(patience);
        while (true) {
            Optional<Pod> found = pods().stream()
                    .filter(pod ->
                            pod.namespace().equals(namespace) && pod.name().equals(name))
                    .filter(pod -> uid.isEmpty() || pod.hasUid(uid))
                    .findFirst();
            if (found.isPresent() || deadline.remaining().isZero()) {
                return found;
            }
            pause();
        }
    }

    @Override
    public Optional<String> notReady() {
        return Files.isDirectory(directory)
                ? Optional.empty()
                : Optional.of("pod manifest directory " + directory + " does not exist");
    }

    @Override
    public void close() {
        files.clear();
    }

    private List<Pod> pods() {
        try (Stream<Path> entries = Files.list(directory)) {
            List<Path> manifests =
                    entries.filter(ManifestPodSource::isManifest).sorted().toList();
            files.keySet().retainAll(manifests);
            return manifests.stream().flatMap(file -> parsed(file).stream()).toList();
        } catch (IOException | UncheckedIOException e) {
            throw new PodSourceException("cannot read the pod manifest directory: " + e, e);
        }
    }

    private List<Pod> parsed(Path file) {
        try {
            BasicFileAttributes found = Files.readAttributes(file, BasicFileAttributes.class);
            if (!found.isRegularFile()) {
                return List.of();
            }
            FileTime modified = found.lastModifiedTime();
            long size = found.size();
            Parsed known = files.get(file);
            if (known == null || !known.modified().equals(modified) || known.size() != size) {
                known = new Parsed(modified, size, PodManifests.read(file));
                files.put(file, known);
            }
            return known.pods();
        } catch (IOException | DaemonException e) {
            LOG.warn("manifest skipped: {}", e.getMessage());
            return List.of();
        }
    }

    private static boolean isManifest(Path file) {
        String name = String.valueOf(file.getFileName());
        return !name.startsWith(".") && (name.endsWith(".yaml") || name.endsWith(".yml") || name.endsWith(".json"));
    }

    private static void pause() {
        try {
            Thread.sleep(POLL);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PodSourceException("interrupted while waiting for a pod", e);
        }
    }
}
