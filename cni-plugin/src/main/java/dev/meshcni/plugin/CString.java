// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.util.Arrays;

/** Paths as system calls take them. */
final class CString {
    private CString() {}

    /**
     * The bytes of a path, with a NUL byte behind them.
     *
     * @throws FileSystemException if there is one in it already, where the kernel would stop to read
     */
    static byte[] of(String path) throws IOException {
        if (path.indexOf('\0') >= 0) {
            throw new FileSystemException(path.replace('\0', '?'), null, "a NUL character is not allowed in a path");
        }
        byte[] bytes = path.getBytes(UTF_8);
        return Arrays.copyOf(bytes, bytes.length + 1);
    }
}
