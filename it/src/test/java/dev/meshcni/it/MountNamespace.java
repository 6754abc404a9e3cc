// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import dev.meshcni.testkit.Lane;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A mount namespace of a test's own (mount_namespaces(7)): what is mounted in it nobody else sees, and it goes with the
 * process that keeps it.
 */
public final class MountNamespace implements AutoCloseable {
    private final Process keeper;

    private MountNamespace(Process keeper) {
        this.keeper = keeper;
    }

    /** Skips the test unless this machine can run it. */
    public static void needed() {
        Machine.needs("unshare", "nsenter", "mount", "umount");
    }

    public static MountNamespace create() {
        Lane.requireRoot();
        try {
            Process keeper = new ProcessBuilder(
                            "unshare", "--mount", "--propagation", "private", "sh", "-c", "echo kept; exec sleep 600")
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            if (!"kept".equals(keeper.inputReader().readLine())) {
                throw new IllegalStateException("no mount namespace can be made here");
            }
            return new MountNamespace(keeper);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A program and its arguments, to be started in this namespace; the process has the id of what is started. */
    public List<String> commandLine(String... line) {
        List<String> inside = new ArrayList<>(List.of("nsenter", "--mount=/proc/" + keeper.pid() + "/ns/mnt", "--"));
        inside.addAll(List.of(line));
        return inside;
    }

    /** A command to be run in this namespace. */
    public Command command(String... line) {
        return Command.of(commandLine(line).toArray(String[]::new));
    }

    /** Mounts a file system of memory over a directory, with options such as {@code size=1m} (tmpfs(5)). */
    public void mountMemory(Path directory, String options) {
        command("mount", "-t", "tmpfs", "-o", options, "tmpfs", directory.toString())
                .run();
    }

    /** Shows a directory in another place as well. */
    public void bind(Path directory, Path place) {
        command("mount", "--bind", directory.toString(), place.toString()).run();
    }

    /** Mounts what is mounted on a directory again with other options. */
    public void remount(Path directory, String options) {
        command("mount", "-o", "remount," + options, directory.toString()).run();
    }

    /** The path by which this process, which is in another namespace, finds a file of this one. */
    public Path seenFromHere(Path path) {
        return Path.of("/proc", Long.toString(keeper.pid()), "root")
                .resolve(Path.of("/").relativize(path));
    }

    @Override
    public void close() {
        keeper.destroyForcibly();
        keeper.onExit().join();
    }
}
