// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.libc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.core.spi.NetnsException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SharedDescriptorTest {
    @TempDir
    private Path directory;

    @Test
    void theFileStaysOpenUntilTheLastUserHasClosedIt() throws IOException {
        SharedDescriptor first = SharedDescriptor.open(Files.writeString(directory.resolve("a"), "content"));
        Path path = first.path();
        SharedDescriptor second = first.share();

        first.close();
        first.close();

        assertThat(path).hasContent("content");
        second.close();
        assertThat(Files.notExists(path) || !"content".equals(Files.readString(path)))
                .isTrue();
    }

    @Test
    void aClosedOneLeadsNowhere() throws IOException {
        SharedDescriptor closed = SharedDescriptor.open(Files.createFile(directory.resolve("a")));
        closed.close();

        assertThatThrownBy(closed::path).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(closed::share)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the descriptor of " + closed.key() + " is closed");
    }

    @Test
    void theKeyTellsFilesApartAndNotPaths() throws IOException {
        Path file = Files.createFile(directory.resolve("a"));
        Path link = Files.createSymbolicLink(directory.resolve("link"), file);
        Path other = Files.createFile(directory.resolve("b"));
        try (SharedDescriptor one = SharedDescriptor.open(file);
                SharedDescriptor same = SharedDescriptor.open(link);
                SharedDescriptor another = SharedDescriptor.open(other)) {
            assertThat(one.key()).isEqualTo(same.key()).isNotEqualTo(another.key());
            assertThat(one.key().inode()).isEqualTo(Files.getAttribute(file, "unix:ino"));
        }
    }

    @Test
    void aNamespaceIsToldFromAnyOtherFile() throws IOException {
        Path file = Files.createFile(directory.resolve("a"));
        Path own = Path.of("/proc/self/ns/net");

        try (SharedDescriptor namespace = SharedDescriptor.ofNamespace(own)) {
            assertThat(namespace).hasToString(Files.readSymbolicLink(own).toString());
        }
        assertThatThrownBy(() -> SharedDescriptor.ofNamespace(file))
                .isInstanceOf(NetnsException.class)
                .hasMessage(file + " is not a network namespace");
        assertThatThrownBy(() -> SharedDescriptor.ofNamespace(file.resolve("below")))
                .isInstanceOf(NetnsException.class)
                .hasMessage(file + "/below does not exist");
    }
}
