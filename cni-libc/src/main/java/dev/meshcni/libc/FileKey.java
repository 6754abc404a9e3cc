// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.libc;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Which file it is, as long as it is open: ztunnel, too, tells network namespaces apart by these ({@code inode(7)}).
 *
 * @param device the device of the file
 * @param inode the inode of the file
 */
public record FileKey(long device, long inode) {
    private static final int STAT_LENGTH = 256;

    /**
     * The file behind an open descriptor.
     *
     * @throws dev.meshcni.core.spi.RedirectException if the kernel does not tell
     */
    public static FileKey of(int fd) {
        byte[] stat = new byte[STAT_LENGTH];
        LibC.check(LibC.fstat(fd, stat), "inspecting a file");
        return of(stat);
    }

    /** The file that a path leads to; empty if it cannot be looked at. To look takes fewer rights than to open. */
    public static Optional<FileKey> at(Path path) {
        byte[] stat = new byte[STAT_LENGTH];
        return LibC.stat(path, stat) < 0 ? Optional.empty() : Optional.of(of(stat));
    }

    /** The first two fields of struct stat are the device and the inode on every 64-bit architecture. */
    private static FileKey of(byte[] stat) {
        ByteBuffer fields = ByteBuffer.wrap(stat).order(ByteOrder.nativeOrder());
        return new FileKey(fields.getLong(), fields.getLong());
    }

    /** As {@code ls -l /proc/PID/ns/net} shows a namespace: {@code net:[4026532008]}. */
    @Override
    public String toString() {
        return "net:[" + inode + "]";
    }
}
