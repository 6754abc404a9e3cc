// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import java.io.IOException;
import java.nio.file.FileSystemException;

/** Texts of system call errors (errno(3)); each C library has its own. */
final class Errno {
    static final int INTERRUPTED = 4;
    private static final int TRY_AGAIN = 11;

    private Errno() {}

    /** Returns whether a call has done nothing, and may do it when it is made again. */
    static boolean mayBeTriedAgain(int result) {
        return result == -INTERRUPTED || result == -TRY_AGAIN;
    }

    /** Lets a result through that is no error. */
    static int check(int result) throws IOException {
        if (result < 0) {
            throw new IOException(text(-result));
        }
        return result;
    }

    /** Lets a result through that is no error about a file. */
    static int check(int result, String file) throws IOException {
        if (result < 0) {
            throw new FileSystemException(file, null, text(-result));
        }
        return result;
    }

    private static String text(int errno) {
        return switch (errno) {
            case 1 -> "operation not permitted";
            case 2 -> "no such file or directory";
            case 5 -> "input/output error";
            case 9 -> "bad file descriptor";
            case TRY_AGAIN -> "resource temporarily unavailable";
            case 12 -> "out of memory";
            case 13 -> "permission denied";
            case 20 -> "not a directory";
            case 23, 24 -> "too many open files";
            case 27 -> "file too large";
            case 28 -> "no space left on device";
            case 30 -> "read-only file system";
            case 32 -> "broken pipe";
            case 36 -> "name too long";
            case 40 -> "too many symbolic links";
            case 104 -> "connection reset by peer";
            case 111 -> "connection refused";
            default -> "error " + errno;
        };
    }
}
