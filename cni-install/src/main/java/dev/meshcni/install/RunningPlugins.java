// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which versions of the plugin processes run from, by {@code /proc} (proc(5)). The kernel shows paths as the process
 * sees them, which in a container differ from ours in their beginning only, so versions are told by the end.
 */
public final class RunningPlugins {
    /** The first of the places where a node's own {@code /proc} may be mounted in our container. */
    private static final Path HOST_PROC = Path.of("/host/proc");

    private static final Path PROC = Path.of("/proc");

    /** The kernel's number of the first process namespace, from which all processes are seen. */
    private static final String ROOT_NAMESPACE = "pid:[4026531836]";

    private static final Pattern VERSION =
            Pattern.compile("/" + Pattern.quote(PluginTree.VERSIONS) + "/([^/]+)/(?:bin|runtime)/");

    /** The maximum time until an exec(2) is visible in {@code /proc}. */
    private static final Duration SETTLE = Duration.ofMillis(200);

    /** Where not all processes can be seen: longer than a plugin may run. */
    private static final Duration BLIND_SETTLE = Duration.ofMinutes(5);

    private final Path proc;
    private final Duration settle;

    private RunningPlugins(Path proc, Duration settle) {
        this.proc = requireNonNull(proc, "proc is null");
        this.settle = requireNonNull(settle, "settle is null");
    }

    /** Inspects the visible processes of this node. */
    static RunningPlugins ofNode() {
        if (Files.isDirectory(HOST_PROC.resolve("1"))) {
            return new RunningPlugins(HOST_PROC, SETTLE);
        }
        boolean root =
                link(PROC.resolve("self/ns/pid")).filter(ROOT_NAMESPACE::equals).isPresent();
        return root ? new RunningPlugins(PROC, SETTLE) : partlyIn(PROC);
    }

    /** Inspects the processes in a directory like {@code /proc}, which has to show all of them. */
    public static RunningPlugins in(Path proc) {
        return new RunningPlugins(proc, Duration.ZERO);
    }

    /** Inspects a directory that may not show all processes of the node. */
    static RunningPlugins partlyIn(Path proc) {
        return new RunningPlugins(proc, BLIND_SETTLE);
    }

    /** The time that a version must be unused before it is considered unused. */
    Duration settle() {
        return settle;
    }

    /**
     * The names of the versions in use. Of an earlier one, which was a script that became a JVM, the script may be all
     * that is open.
     *
     * @throws IOException if there is no list of processes
     */
    Set<String> versions() throws IOException {
        Set<String> versions = new HashSet<>();
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(proc, "[0-9]*")) {
            for (Path process : processes) {
                version(process.resolve("exe")).ifPresent(versions::add);
                openFiles(process.resolve("fd"), versions);
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        return versions;
    }

    /** A process that exits during the inspection uses nothing. */
    private static void openFiles(Path directory, Set<String> versions) {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            files.forEach(file -> version(file).ifPresent(versions::add));
        } catch (IOException | DirectoryIteratorException e) {
            return;
        }
    }

    private static Optional<String> version(Path link) {
        return link(link).map(VERSION::matcher).filter(Matcher::find).map(matcher -> matcher.group(1));
    }

    private static Optional<String> link(Path link) {
        try {
            return Optional.of(Files.readSymbolicLink(link).toString());
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}
