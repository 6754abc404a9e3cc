// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A FUSE file system whose server never answers: whoever looks at anything below it waits until it is closed. */
public final class HungFileSystem implements AutoCloseable {
    private static final Path DEVICE = Path.of("/dev/fuse");
    private static final int LONGEST_SECONDS = 240;

    private final Path mount;
    private final Process holder;

    private HungFileSystem(Path mount, Process holder) {
        this.mount = mount;
        this.holder = holder;
    }

    /** Whether the kernel has FUSE. */
    public static boolean isPossible() {
        return Files.exists(DEVICE);
    }

    /** Mounts one. */
    public static HungFileSystem mount() {
        Lane.requireRoot();
        try {
            Path mount = Files.createTempDirectory("meshcni-hung-");
            Process holder = new ProcessBuilder(
                            "sh", "-c", """
                            exec 3<>/dev/fuse
                            mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 meshcni-hung "$1" || exit 1
                            echo mounted
                            exec sleep "$2"
                            """, "sh", mount.toString(), String.valueOf(LONGEST_SECONDS))
                    .start();
            HungFileSystem hung = new HungFileSystem(mount, holder);
            if (!"mounted".equals(holder.inputReader().readLine())) {
                Files.delete(mount);
                throw new AssertionError("FUSE cannot be mounted: "
                        + holder.errorReader().lines().toList());
            }
            return hung;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A path that hangs. */
    public Path file(String name) {
        return mount.resolve(name);
    }

    /** With its server the connection ends, and everybody who waits gets an error. */
    @Override
    public void close() {
        holder.destroyForcibly().onExit().join();
        try {
            new ProcessBuilder("umount", "-l", mount.toString())
                    .inheritIO()
                    .start()
                    .onExit()
                    .join();
            Files.delete(mount);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
