// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.libc;

import dev.meshcni.core.spi.RedirectException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** {@code struct sockaddr_un} ({@code unix(7)}). */
final class UnixAddress {
    static final short AF_UNIX = 1;

    /** In bytes: what the kernel takes, without the null byte at the end. */
    static final int MAX_PATH = 107;

    private UnixAddress() {}

    static byte[] of(Path path) {
        byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
        if (name.length > MAX_PATH) {
            throw new RedirectException("the path of a socket, " + path + ", has " + name.length + " bytes; at most "
                    + MAX_PATH + " are possible: choose a shorter directory");
        }
        return ByteBuffer.allocate(Short.BYTES + name.length + 1)
                .order(ByteOrder.nativeOrder())
                .putShort(AF_UNIX)
                .put(name)
                .array();
    }
}
