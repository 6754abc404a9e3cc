// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.host.linux;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@NeedsRoot("sets trusted attributes")
class ExtendedAttributesTest {
    @TempDir
    private Path root;

    private Path file;

    @BeforeEach
    void makeFile() throws IOException {
        file = Files.createFile(root.resolve("file"));
    }

    @Test
    void aFileHasWhatItWasGiven() throws IOException {
        ExtendedAttributes.set(file, "user.owner", "flannel".getBytes(UTF_8));
        ExtendedAttributes.set(file, "trusted.empty", new byte[0]);

        assertThat(ExtendedAttributes.of(file)).containsOnlyKeys("trusted.empty", "user.owner");
        assertThat(ExtendedAttributes.get(file, "user.owner")).contains("flannel".getBytes(UTF_8));
        assertThat(ExtendedAttributes.get(file, "trusted.empty")).contains(new byte[0]);

        ExtendedAttributes.remove(file, "user.owner");
        ExtendedAttributes.remove(file, "user.owner");

        assertThat(ExtendedAttributes.of(file)).containsOnlyKeys("trusted.empty");
        assertThat(ExtendedAttributes.get(file, "user.owner")).isEmpty();
    }

    @Test
    void aFileSystemWithoutAnyHasNone() throws IOException {
        assertThat(ExtendedAttributes.of(Path.of("/proc/version"))).doesNotContainKey("user.owner");
    }

    @Test
    void aFailureNamesFileAndAttribute() {
        assertThatThrownBy(() -> ExtendedAttributes.set(file, "user." + "n".repeat(300), new byte[1]))
                .isInstanceOf(FileSystemException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining("extended attribute user.n");
    }
}
