// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * A root directory that holds nothing but the plugin, and what a test puts there. A call is a process of its own by
 * {@code posix_spawn(3)}, with any bytes in its environment: tens of thousands take a minute.
 */
@SuppressWarnings("restricted")
final class PluginRoot implements AutoCloseable {
    private static final int O_RDONLY = 0;
    private static final int O_WRONLY_CREATE_TRUNCATE = 1 | 0100 | 01000;
    private static final int SIGNAL = 0x7F;
    private static final MethodHandle SPAWN = handle(
            "posix_spawn", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS));
    private static final MethodHandle INIT =
            handle("posix_spawn_file_actions_init", FunctionDescriptor.of(JAVA_INT, ADDRESS));
    private static final MethodHandle OPEN = handle(
            "posix_spawn_file_actions_addopen",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT));
    private static final MethodHandle WAIT =
            handle("waitpid", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));

    private final Path directory;

    private PluginRoot(Path directory) {
        this.directory = directory;
    }

    /** What came of a call; a signal that ended it is a negative exit code. */
    @SuppressWarnings("ArrayRecordComponent") // bytes to look at
    record Outcome(int exitCode, byte[] output) {
        String text() {
            return new String(output, UTF_8);
        }
    }

    static PluginRoot create() throws IOException {
        Path directory = Files.createTempDirectory("it-root-");
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.createDirectory(directory.resolve("root"));
        Files.copy(Dist.program("istio-cni"), directory.resolve("root/istio-cni"));
        return new PluginRoot(directory);
    }

    /** The directory that is the plugin's root. */
    Path path() {
        return directory.resolve("root");
    }

    /** Makes a directory in it. */
    Path directory(String name, String mode) throws IOException {
        Path made = Files.createDirectory(path().resolve(name));
        Files.setPosixFilePermissions(made, PosixFilePermissions.fromString(mode));
        return made;
    }

    /**
     * Calls the plugin.
     *
     * @param variables each as {@code NAME=VALUE}
     */
    Outcome call(byte[][] variables, byte[] input) throws IOException {
        Path stdin = Files.write(directory.resolve("stdin"), input);
        Path stdout = directory.resolve("stdout");
        int status = run(variables, stdin, stdout);
        int signal = status & SIGNAL;
        return new Outcome(signal == 0 ? status >> 8 & 0xFF : -signal, Files.readAllBytes(stdout));
    }

    @Override
    public void close() {
        HostState.removeTree(directory);
    }

    private int run(byte[][] variables, Path stdin, Path stdout) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment actions = arena.allocate(256, 16);
            check((int) INIT.invokeExact(actions));
            check((int) OPEN.invokeExact(actions, 0, arena.allocateFrom(stdin.toString()), O_RDONLY, 0));
            check((int) OPEN.invokeExact(
                    actions, 1, arena.allocateFrom(stdout.toString()), O_WRONLY_CREATE_TRUNCATE, 0600));
            byte[][] line = {bytes("chroot"), bytes(path().toString()), bytes("/istio-cni")};
            MemorySegment pid = arena.allocate(JAVA_INT);
            check((int) SPAWN.invokeExact(
                    pid,
                    arena.allocateFrom("/usr/sbin/chroot"),
                    actions,
                    MemorySegment.NULL,
                    pointers(arena, line),
                    pointers(arena, variables)));
            MemorySegment status = arena.allocate(JAVA_INT);
            int waited = (int) WAIT.invokeExact(pid.get(JAVA_INT, 0), status, 0);
            if (waited != pid.get(JAVA_INT, 0)) {
                throw new IllegalStateException("waitpid returned " + waited);
            }
            return status.get(JAVA_INT, 0);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    private static MemorySegment pointers(Arena arena, byte[][] texts) {
        MemorySegment pointers = arena.allocate(ADDRESS, texts.length + 1L);
        for (int i = 0; i < texts.length; i++) {
            MemorySegment text = arena.allocate(texts[i].length + 1L);
            text.copyFrom(MemorySegment.ofArray(texts[i]));
            pointers.setAtIndex(ADDRESS, i, text);
        }
        return pointers;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }

    private static void check(int error) {
        if (error != 0) {
            throw new IllegalStateException("posix_spawn: error " + error);
        }
    }

    private static MethodHandle handle(String function, FunctionDescriptor descriptor) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().find(function).orElseThrow(), descriptor);
    }
}
