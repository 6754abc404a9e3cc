// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** What the host holds: asked for in order to see that nothing is left, and removed where a test ended badly. */
public final class HostState {
    private HostState() {}

    /** The mount points that a process sees, outermost first (proc(5), mountinfo). */
    static List<Path> mounts(long pid) {
        return lines(Path.of("/proc", String.valueOf(pid), "mountinfo")).stream()
                .map(line -> Path.of(line.split(" ", 6)[4]))
                .toList();
    }

    /** Processes that have the text in their command line, this one left out. */
    static List<ProcessHandle> processesNaming(String text) {
        return ProcessHandle.allProcesses()
                .filter(process -> process.pid() != ProcessHandle.current().pid())
                .filter(process -> commandLine(process).contains(text))
                .toList();
    }

    /** The children of a process, and theirs; those that have ended and wait for their parent are left out. */
    static List<ProcessHandle> descendants(ProcessHandle process) {
        return process.descendants()
                .filter(descendant -> !commandLine(descendant).isEmpty())
                .toList();
    }

    /** The program of a process and its arguments, each with a NUL behind it; empty for a process that has ended. */
    static String commandLine(ProcessHandle process) {
        try {
            return Files.readString(Path.of("/proc", String.valueOf(process.pid()), "cmdline"));
        } catch (IOException e) {
            // The process ended between the listing and the reading.
            return "";
        }
    }

    /** Regular files below a directory, which need not exist. */
    static List<Path> files(Path directory) {
        return walk(directory).filter(Files::isRegularFile).toList();
    }

    /** What a directory holds, hidden entries and links included, not what is below. */
    static List<Path> entries(Path directory) {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Processes in a cgroup of any hierarchy, or in one below it. */
    static List<ProcessHandle> processesIn(String cgroup) {
        return cgroupDirectories(cgroup)
                .flatMap(directory -> lines(directory.resolve("cgroup.procs")).stream())
                .distinct()
                .flatMap(pid -> ProcessHandle.of(Long.parseLong(pid)).stream())
                .toList();
    }

    /** Removes a cgroup of all hierarchies, with those below it. */
    static void removeCgroups(String cgroup) {
        cgroupDirectories(cgroup)
                .forEach(directory -> Eventually.isTrue(
                        directory + " has no process",
                        () -> lines(directory.resolve("cgroup.procs")).isEmpty()));
        cgroupDirectories(cgroup).forEach(HostState::delete);
    }

    /** Removes a directory and all that is in it. */
    public static void removeTree(Path directory) {
        walk(directory).sorted(Comparator.reverseOrder()).forEach(HostState::delete);
    }

    private static Stream<Path> cgroupDirectories(String cgroup) {
        Path root = Path.of("/sys/fs/cgroup");
        return Stream.concat(Stream.of(root), children(root))
                .flatMap(hierarchy -> walk(Path.of(hierarchy + cgroup)))
                .filter(Files::isDirectory)
                .sorted(Comparator.reverseOrder());
    }

    private static void delete(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Stream<Path> walk(Path directory) {
        if (!Files.exists(directory)) {
            return Stream.empty();
        }
        try (Stream<Path> paths = Files.walk(directory)) {
            return paths.toList().stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Stream<Path> children(Path directory) {
        return entries(directory).stream().filter(Files::isDirectory);
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
