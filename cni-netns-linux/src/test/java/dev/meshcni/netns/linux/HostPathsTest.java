// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostPathsTest {
    @TempDir
    private Path host;

    @Test
    void onTheHostItselfPathsStay() {
        HostPaths paths = new HostPaths(host.resolve("absent"));

        assertThat(paths.translate(Path.of("/var/run/netns/cni-1"))).isEqualTo(Path.of("/var/run/netns/cni-1"));
        assertThat(paths.translate(Path.of("/proc/7/ns/net"))).isEqualTo(Path.of("/proc/7/ns/net"));
    }

    @Test
    void aMountedDirectoryComesFirst() throws IOException {
        Path mounted = file("var/run/netns/cni-1");
        file("proc/1/root/var/run/netns/cni-1");

        assertThat(new HostPaths(host).translate(Path.of("/var/run/netns/cni-1")))
                .isEqualTo(mounted);
    }

    @Test
    void bothNamesOfTheRunDirectoryAreTried() throws IOException {
        Path mounted = file("var/run/netns/cni-1");
        Path root = file("proc/1/root/run/netns/cni-2");

        assertThat(new HostPaths(host).translate(Path.of("/run/netns/cni-1"))).isEqualTo(mounted);
        assertThat(new HostPaths(host).translate(Path.of("/var/run/netns/cni-2")))
                .isEqualTo(root);
    }

    @Test
    void aProcessOfTheHostIsNeverOneOfTheContainer() throws IOException {
        file("proc/1/ns/net");

        assertThat(new HostPaths(host).translate(Path.of("/proc/1/ns/net"))).isEqualTo(host.resolve("proc/1/ns/net"));
        assertThat(new HostPaths(host).translate(Path.of("/proc/99/ns/net"))).isEqualTo(host.resolve("proc/99/ns/net"));
        assertThat(new HostPaths(host).translate(Path.of("/proc/self/ns/net"))).isEqualTo(Path.of("/proc/self/ns/net"));
    }

    private Path file(String name) throws IOException {
        Path file = host.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.createFile(file);
    }
}
