// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.host.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicRenameTest {
    @TempDir
    private Path root;

    @Test
    void exchangedFilesHaveEachOthersNames() throws IOException {
        Path one = Files.writeString(root.resolve("one"), "first");
        Path other = Files.writeString(root.resolve("other"), "second");

        AtomicRename.exchange(one, other);

        assertThat(one).hasContent("second");
        assertThat(other).hasContent("first");
    }

    /** The URI of a path may have any bytes. */
    @Test
    void namesAreBytes() throws IOException {
        Path one = Files.writeString(root.resolve("one"), "first");
        Path other = Files.writeString(Path.of(URI.create(root.toUri() + "gr%F6%DFe%20%25")), "second");

        AtomicRename.exchange(one, other);

        assertThat(one).hasContent("second");
        assertThat(other).hasContent("first");
        assertThat(root.toFile().list()).hasSize(2);
    }

    @Test
    void anExchangeNeedsBoth() throws IOException {
        Path one = Files.writeString(root.resolve("one"), "first");

        assertThatThrownBy(() -> AtomicRename.exchange(one, root.resolve("missing")))
                .isInstanceOf(NoSuchFileException.class);
        assertThat(one).hasContent("first");
    }

    @Test
    void aNameThatIsTakenIsKept() throws IOException {
        Path one = Files.writeString(root.resolve("one"), "first");
        Path other = Files.writeString(root.resolve("other"), "second");

        assertThatThrownBy(() -> AtomicRename.withoutReplacing(one, other))
                .isInstanceOf(FileAlreadyExistsException.class);

        assertThat(one).hasContent("first");
        assertThat(other).hasContent("second");
    }

    @Test
    void aNameThatIsFreeIsTaken() throws IOException {
        Path one = Files.writeString(root.resolve("one"), "first");

        AtomicRename.withoutReplacing(one, root.resolve("new"));

        assertThat(one).doesNotExist();
        assertThat(root.resolve("new")).hasContent("first");
    }
}
