// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.host.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MappedFilesTest {
    private static final int MEBIBYTE = 1 << 20;

    @Test
    void whatWasOnlyReadIsTakenOutAndComesBack(@TempDir Path directory) throws IOException {
        byte[] bytes = new byte[16 * MEBIBYTE];
        new Random(1).nextBytes(bytes);
        Path file = Files.write(directory.resolve("file"), bytes);
        try (Arena arena = Arena.ofConfined();
                FileChannel channel = FileChannel.open(file)) {
            MemorySegment mapped = channel.map(MapMode.READ_ONLY, 0, bytes.length, arena);
            assertThat(mapped.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(bytes);
            long before = residentKib(file);

            assertThat(MappedFiles.release()).isGreaterThanOrEqualTo(before);

            assertThat(before).isEqualTo(16 * 1024);
            assertThat(residentKib(file)).isZero();
            assertThat(mapped.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(bytes);
        }
    }

    @Test
    void whatThisProcessHasWrittenStays(@TempDir Path directory) throws IOException {
        Path file = Files.write(directory.resolve("file"), new byte[MEBIBYTE]);
        try (Arena arena = Arena.ofConfined();
                FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            MemorySegment mapped = channel.map(MapMode.PRIVATE, 0, MEBIBYTE, arena);
            mapped.fill((byte) 7);

            MappedFiles.release();

            assertThat(residentKib(file)).isEqualTo(1024);
            assertThat(mapped.get(ValueLayout.JAVA_BYTE, MEBIBYTE - 1)).isEqualTo((byte) 7);
        }
    }

    private static long residentKib(Path file) throws IOException {
        long kib = 0;
        boolean inFile = false;
        for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
            if (line.contains("-") && line.contains(" r")) {
                inFile = line.endsWith(file.toString());
            } else if (inFile && line.startsWith("Rss:")) {
                kib += Long.parseLong(line.replaceAll("\\D", ""));
            }
        }
        return kib;
    }
}
