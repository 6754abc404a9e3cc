// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.libc;

import java.nio.file.Path;

/**
 * A file that a peer has sent, open in this process until it is closed here.
 *
 * @param fd its number
 */
public record ReceivedDescriptor(int fd) implements AutoCloseable {
    /** A path of this process that leads to the file. */
    public Path path() {
        return Path.of("/proc/self/fd", String.valueOf(fd));
    }

    @Override
    public void close() {
        LibC.close(fd);
    }
}
