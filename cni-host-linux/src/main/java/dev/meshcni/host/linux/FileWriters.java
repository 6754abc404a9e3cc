// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.host.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Finds processes that have a file open for writing. */
public final class FileWriters {
    private static final int F_SETLEASE = 1024;
    private static final int F_RDLCK = 0;

    private FileWriters() {}

    /**
     * Returns whether some process has it open for writing now: the kernel grants a read lease on a file only if nobody
     * has (fcntl(2), {@code F_SETLEASE}). The lease is given back at once. A file system without leases, or one on
     * which this process may have none, counts as one where nobody writes.
     */
    public static boolean has(Path file) throws IOException {
        LibC.Result opened;
        try (Arena arena = Arena.ofConfined()) {
            opened = LibC.OPEN.call(NativePath.of(arena, file), LibC.O_RDONLY | LibC.O_CLOEXEC | LibC.O_NONBLOCK);
        }
        if (opened.failed()) {
            throw opened.errno() == LibC.ENOENT
                    ? new NoSuchFileException(file.toString())
                    : new FileSystemException(file.toString(), null, LibC.text(opened.errno()));
        }
        try {
            LibC.Result lease = LibC.FCNTL.call(opened.intValue(), F_SETLEASE, F_RDLCK);
            return lease.failed() && lease.errno() == LibC.EAGAIN;
        } finally {
            LibC.CLOSE.call(opened.intValue());
        }
    }
}
