// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.host.linux;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * The renames of rename(2) that the JDK does not have: they lose nothing that another process put there at the last
 * moment.
 */
public final class AtomicRename {
    private static final int AT_FDCWD = -100;
    private static final int RENAME_NOREPLACE = 1;
    private static final int RENAME_EXCHANGE = 2;

    private AtomicRename() {}

    /**
     * Exchanges two files, both of which must be there ({@code RENAME_EXCHANGE}).
     *
     * @throws NoSuchFileException if one is not there
     * @throws AtomicMoveNotSupportedException if the file system or the kernel cannot; nothing has happened
     */
    public static void exchange(Path one, Path other) throws IOException {
        rename(one, other, RENAME_EXCHANGE);
    }

    /**
     * Renames to a name that must not be there ({@code RENAME_NOREPLACE}).
     *
     * @throws FileAlreadyExistsException if it is
     * @throws NoSuchFileException if there is nothing to rename
     * @throws AtomicMoveNotSupportedException if the file system or the kernel cannot; nothing has happened
     */
    public static void withoutReplacing(Path from, Path to) throws IOException {
        rename(from, to, RENAME_NOREPLACE);
    }

    private static void rename(Path from, Path to, int flags) throws IOException {
        requireNonNull(from, "from is null");
        requireNonNull(to, "to is null");
        LibC.Result result;
        try (Arena arena = Arena.ofConfined()) {
            result = LibC.RENAMEAT2.call(
                    AT_FDCWD, NativePath.of(arena, from), AT_FDCWD, NativePath.of(arena, to), flags);
        }
        if (result.failed()) {
            throw failure(from, to, result.errno());
        }
    }

    private static FileSystemException failure(Path from, Path to, int errno) {
        return switch (errno) {
            case LibC.EEXIST -> new FileAlreadyExistsException(to.toString());
            case LibC.ENOENT -> new NoSuchFileException(from.toString(), to.toString(), null);
            case LibC.EINVAL, LibC.ENOSYS, LibC.EOPNOTSUPP ->
                new AtomicMoveNotSupportedException(from.toString(), to.toString(), LibC.text(errno));
            default -> new FileSystemException(from.toString(), to.toString(), LibC.text(errno));
        };
    }
}
