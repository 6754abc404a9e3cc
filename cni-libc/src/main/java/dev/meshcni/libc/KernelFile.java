// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.libc;

import dev.meshcni.core.spi.RedirectException;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Short files below {@code /proc} that most hosts do not have: to find that out takes one call of the kernel here,
 * where {@link java.nio.file.Files} makes an exception of it.
 */
public final class KernelFile {
    /** In bytes. Names of tables or of modules that are listed in such a file take some hundred. */
    private static final int LONGEST = 4096;

    private static final int PART = 512;

    private KernelFile() {}

    /**
     * Reads a file.
     *
     * @return what is in it; empty if there is no such file
     * @throws RedirectException if it cannot be read, or is longer than such a file is
     */
    public static Optional<String> read(Path path) {
        int fd = LibC.open(path, LibC.O_RDONLY | LibC.O_CLOEXEC);
        if (fd < 0) {
            int errno = LibC.errno();
            if (errno == LibC.ENOENT || errno == LibC.ENOTDIR) {
                return Optional.empty();
            }
            throw LibC.failure("opening " + path, errno);
        }
        try {
            ByteArrayOutputStream read = new ByteArrayOutputStream();
            byte[] part = new byte[PART];
            for (long count = LibC.read(fd, part, PART); count != 0; count = LibC.read(fd, part, PART)) {
                if (count < 0) {
                    throw LibC.failure("reading " + path);
                }
                read.write(part, 0, (int) count);
                if (read.size() > LONGEST) {
                    throw new RedirectException(path + " is longer than " + LONGEST + " bytes");
                }
            }
            return Optional.of(read.toString(StandardCharsets.UTF_8));
        } finally {
            LibC.close(fd);
        }
    }
}
