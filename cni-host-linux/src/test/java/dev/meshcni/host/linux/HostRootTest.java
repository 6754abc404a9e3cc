// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.host.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Paths of a host whose root is another directory than ours. */
class HostRootTest {
    @TempDir
    private Path root;

    private HostRoot host;

    @BeforeEach
    void makeHost() throws IOException {
        host = HostRoot.at(root);
        Files.createDirectories(root.resolve("var/lib/conf"));
        Files.createFile(root.resolve("var/lib/conf/file"));
        Files.createDirectory(root.resolve("etc"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/var/lib/conf", "../var/lib/conf", "../../../../var/lib/./conf", "/var/lib/../lib/conf/"})
    void aLinkLeadsWhereItLeadsOnTheHost(String target) throws IOException {
        Files.createSymbolicLink(root.resolve("etc/link"), Path.of(target));

        assertThat(host.directory(Path.of("/etc/link"))).isEqualTo(root.resolve("var/lib/conf"));
        assertThat(host.real(Path.of("/etc/link/file"))).isEqualTo(root.resolve("var/lib/conf/file"));
    }

    @Test
    void aFileOfOursIsNotFoundByALinkOfTheHost() throws IOException {
        Path ours = Files.createFile(root.resolve("ours"));
        Files.createSymbolicLink(root.resolve("etc/link"), ours);

        assertThatThrownBy(() -> host.real(Path.of("/etc/link"))).isInstanceOf(NoSuchFileException.class);
    }

    @Test
    void theRootItselfMayBeALink() throws IOException {
        HostRoot own = HostRoot.at(Path.of("/proc/self/root"));

        assertThat(own.directory(Path.of("/"))).isDirectory();
        assertThat(own.real(root.resolve("etc"))).hasToString("/proc/self/root" + root.toRealPath() + "/etc");
    }

    @Test
    void aDirectoryThatOthersCanWriteIsNotTrusted() throws IOException {
        Files.setPosixFilePermissions(root.resolve("var/lib"), PosixFilePermissions.fromString("rwxrwxrwx"));

        assertThatThrownBy(() -> host.directory(Path.of("/var/lib/conf"))).hasMessageContaining("chmod go-w /var/lib");
    }

    @Test
    void whatIsMissingOrNoDirectoryIsToldApart() {
        assertThatThrownBy(() -> host.directory(Path.of("/var/run"))).isInstanceOf(NoSuchFileException.class);
        assertThatThrownBy(() -> host.directory(Path.of("/var/lib/conf/file")))
                .isInstanceOf(NotDirectoryException.class);
    }
}
