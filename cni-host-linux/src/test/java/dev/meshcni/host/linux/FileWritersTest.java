// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.host.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileWritersTest {
    @TempDir
    private Path root;

    @Test
    void whoHasAFileOpenForWritingIsSeenAndWhoReadsIsNot() throws IOException {
        Path file = Files.createFile(root.resolve("file"));
        assertThat(FileWriters.has(file)).isFalse();

        try (OutputStream _ = Files.newOutputStream(file)) {
            assertThat(FileWriters.has(file)).isTrue();
        }
        try (InputStream _ = Files.newInputStream(file)) {
            assertThat(FileWriters.has(file)).isFalse();
        }
    }

    @Test
    void aWriterIsSeenThroughTheFileWhateverItsNameIsNow() throws IOException {
        Path file = Files.createFile(root.resolve("file"));
        try (OutputStream _ = Files.newOutputStream(file)) {
            Path renamed = Files.move(file, root.resolve("renamed"));

            assertThat(FileWriters.has(renamed)).isTrue();
        }
    }

    @Test
    void askingHoldsNobodyUp() throws IOException {
        Path file = Files.createFile(root.resolve("file"));
        assertThat(FileWriters.has(file)).isFalse();

        Files.writeString(file, "written at once");

        assertThat(file).hasContent("written at once");
    }

    @Test
    void aFileThatIsNotThereIsNamed() {
        assertThatThrownBy(() -> FileWriters.has(root.resolve("missing"))).isInstanceOf(NoSuchFileException.class);
    }
}
