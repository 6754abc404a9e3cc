// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.libc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.core.spi.RedirectException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KernelFileTest {
    @TempDir
    private Path directory;

    @Test
    void whatIsInTheFileIsReadInParts() throws IOException {
        String names = "filter\n".repeat(500);
        Path file = Files.writeString(directory.resolve("ip_tables_names"), names);

        assertThat(KernelFile.read(file)).contains(names);
    }

    @Test
    void aFileOfTheKernelWithoutALengthIsRead() throws IOException {
        Path version = Path.of("/proc/self/comm");

        assertThat(KernelFile.read(version)).contains(Files.readString(version));
    }

    @Test
    void aFileThatIsNotThereIsNoError() throws IOException {
        Path file = Files.createFile(directory.resolve("empty"));

        assertThat(KernelFile.read(file)).contains("");
        assertThat(KernelFile.read(directory.resolve("absent"))).isEmpty();
        assertThat(KernelFile.read(file.resolve("below a file"))).isEmpty();
    }

    @Test
    void moreThanSuchAFileHasIsAnError() throws IOException {
        Path file = Files.write(directory.resolve("long"), new byte[4097]);

        assertThatThrownBy(() -> KernelFile.read(file))
                .isInstanceOf(RedirectException.class)
                .hasMessage(file + " is longer than 4096 bytes");
        assertThatThrownBy(() -> KernelFile.read(directory))
                .isInstanceOf(RedirectException.class)
                .hasMessage("reading " + directory + ": Is a directory");
    }
}
