// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.libc.LibC;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * Finds files of the host from inside a container. {@code CNI_NETNS} is a path of the host; a containerized agent has
 * the host's directories mounted below one directory: {@code /host/var/run/netns}, {@code /host/proc}.
 *
 * @param mount the directory below which the host is mounted, {@code /host} by custom; on the host itself it does not
 *     exist, and paths stay as they are
 */
public record HostPaths(Path mount) {
    private static final Path PROC = Path.of("/proc");
    private static final Path VAR_RUN = Path.of("/var/run");
    private static final Path RUN = Path.of("/run");
    private static final List<Path> OWN = List.of(Path.of("/proc/self"), Path.of("/proc/thread-self"));

    public HostPaths {
        Objects.requireNonNull(mount, "mount is null");
    }

    /** The host below {@code /host}. */
    public static HostPaths standard() {
        return new HostPaths(Path.of("/host"));
    }

    /**
     * The path by which this process finds a file of the host; the path itself if it is to be found in no other place.
     */
    public Path translate(Path hostPath) {
        if (!hostPath.isAbsolute() || !LibC.exists(mount) || OWN.stream().anyMatch(hostPath::startsWith)) {
            return hostPath;
        }
        if (hostPath.startsWith(PROC)) {
            // Process numbers of the host mean other processes, or none, in the /proc of a container.
            Path hostProc = mount.resolve("proc");
            return Files.isDirectory(hostProc) ? below(mount, hostPath) : hostPath;
        }
        return candidates(hostPath).filter(Files::exists).findFirst().orElse(hostPath);
    }

    private Stream<Path> candidates(Path hostPath) {
        Path root = mount.resolve("proc/1/root");
        Stream<Path> mounted = spellings(hostPath).map(path -> below(mount, path));
        return Stream.concat(mounted, spellings(hostPath).map(path -> below(root, path)));
    }

    /**
     * On most hosts {@code /var/run} is a link to {@code /run}. An absolute link, followed below a mounted directory,
     * would lead into the container instead of the host, so both spellings are tried.
     */
    private static Stream<Path> spellings(Path path) {
        if (path.startsWith(VAR_RUN)) {
            return Stream.of(path, RUN.resolve(VAR_RUN.relativize(path)));
        }
        return path.startsWith(RUN) ? Stream.of(path, VAR_RUN.resolve(RUN.relativize(path))) : Stream.of(path);
    }

    private static Path below(Path directory, Path absolute) {
        return directory.resolve(absolute.getRoot().relativize(absolute));
    }
}
