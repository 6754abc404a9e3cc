// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** A mount namespace in place of the host's: it lives as long as a process. */
public record Mounts(Process keeper) implements AutoCloseable {
    public static Mounts create() throws IOException {
        Lane.requireRoot();
        Process keeper = new ProcessBuilder(
                        "unshare", "--mount", "--propagation", "private", "sh", "-c", "echo kept; exec sleep 120")
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        assertThat(keeper.inputReader().readLine()).isEqualTo("kept");
        return new Mounts(keeper);
    }

    public Path namespace() {
        return Path.of("/proc/" + keeper.pid() + "/ns/mnt");
    }

    /** The root directory as seen in it; to realpath(3) this is a link to our own. */
    public Path root() {
        return Path.of("/proc/" + keeper.pid() + "/root");
    }

    /** Puts an empty file system over a directory. */
    public void cover(Path directory) throws Exception {
        run("mount", "-t", "tmpfs", "-o", "mode=755", "none", directory.toString());
    }

    public void forbidExecution(Path directory) throws Exception {
        run("mount", "--bind", directory.toString(), directory.toString());
        run("mount", "-o", "remount,bind,noexec", directory.toString());
    }

    public void allowExecution(Path directory) throws Exception {
        run("umount", directory.toString());
    }

    private void run(String program, String... arguments) throws Exception {
        ProcessBuilder builder = new ProcessBuilder("nsenter", "--mount=" + namespace(), "--", program);
        builder.command().addAll(List.of(arguments));
        assertThat(builder.inheritIO().start().waitFor()).isZero();
    }

    @Override
    public void close() {
        keeper.destroyForcibly();
        keeper.onExit().join();
    }
}
