// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static dev.meshcni.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The processes of this machine. */
class RunningPluginsTest {
    @TempDir
    private Path binDir;

    @Test
    void aRunningProcessIsSeenInItsVersion() throws Exception {
        String version = "1.0-" + UUID.randomUUID();
        Path java = binDir.resolve(".mesh-cni").resolve(version).resolve("runtime/bin/java");
        Files.createDirectories(java.getParent());
        Files.copy(Path.of("/bin/sleep").toRealPath(), java);
        Files.setPosixFilePermissions(java, PosixFilePermissions.fromString("rwxr-xr-x"));
        RunningPlugins processes = RunningPlugins.in(Path.of("/proc"));
        assertThat(processes.versions()).doesNotContain(version);

        Process process = new ProcessBuilder(java.toString(), "60").start();
        try {
            eventually("the process is seen", () -> processes.versions().contains(version));
        } finally {
            process.destroyForcibly().waitFor();
        }

        assertThat(processes.versions()).doesNotContain(version);
    }

    @Test
    void aLauncherIsSeenInItsVersionThoughItIsAShell() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/bin/sh")), "needs a shell");
        String version = "1.0-" + UUID.randomUUID();
        Path launcher = binDir.resolve(".mesh-cni").resolve(version).resolve("bin/istio-cni");
        Files.createDirectories(launcher.getParent());
        Files.writeString(launcher, "#!/bin/sh\nread line\n");
        Files.setPosixFilePermissions(launcher, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path link = Files.createSymbolicLink(binDir.resolve("istio-cni"), launcher);

        Process process = new ProcessBuilder(link.toString()).start();
        try {
            RunningPlugins processes = RunningPlugins.in(Path.of("/proc"));
            eventually("the shell is seen", () -> processes.versions().contains(version));
        } finally {
            process.destroyForcibly().waitFor();
        }
    }
}
