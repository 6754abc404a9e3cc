// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.NamespaceId;
import dev.meshcni.core.spi.NetnsException;
import dev.meshcni.libc.LibC;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A network namespace that was opened once: a descriptor, checked, by which it is entered ({@code setns(2)}). Whatever
 * the path leads to afterwards, this stays the same namespace, and exists as long as it is open.
 *
 * @param fd the descriptor
 * @param device the device of its file
 * @param inode the inode of its file
 */
record OpenNamespace(int fd, long device, long inode) implements AutoCloseable {
    private static final int STAT_LENGTH = 256;

    /**
     * Opens what a path leads to.
     *
     * @throws NetnsException if that is nothing, or no network namespace
     */
    static OpenNamespace of(Path path) {
        // Without O_NONBLOCK, a path that is a FIFO by mistake would hang here.
        int fd = LibC.open(path.toString(), LibC.O_RDONLY | LibC.O_NONBLOCK | LibC.O_CLOEXEC);
        if (fd < 0) {
            int errno = LibC.errno();
            if (errno == LibC.ENOENT || errno == LibC.ENOTDIR) {
                throw new NetnsException("network namespace " + path + " does not exist");
            }
            throw LibC.failure("opening the network namespace " + path, errno);
        }
        if (LibC.ioctl(fd, LibC.NS_GET_NSTYPE) != LibC.CLONE_NEWNET) {
            LibC.close(fd);
            throw new NetnsException(path + " is not a network namespace");
        }
        // The first two fields of struct stat are the device and the inode on every 64-bit architecture.
        byte[] stat = new byte[STAT_LENGTH];
        if (LibC.fstat(fd, stat) < 0) {
            int errno = LibC.errno();
            LibC.close(fd);
            throw LibC.failure("inspecting the network namespace " + path, errno);
        }
        ByteBuffer fields = ByteBuffer.wrap(stat).order(ByteOrder.nativeOrder());
        return new OpenNamespace(fd, fields.getLong(), fields.getLong());
    }

    /**
     * Whether a path leads to this namespace; not when it cannot be looked at. To look takes fewer rights than to open.
     */
    boolean isBehind(Path path) {
        try {
            return Files.isSameFile(Path.of("/proc/self/fd", String.valueOf(fd)), path);
        } catch (IOException _) {
            return false;
        }
    }

    /** Moves the calling thread into it. */
    void enter() {
        LibC.check(LibC.setns(fd, LibC.CLONE_NEWNET), "entering the network namespace net:[" + inode + "]");
    }

    /**
     * The namespace's identity.
     *
     * @param cookie the kernel's number of it, which a socket in it tells; 0 where it has none
     */
    NamespaceId id(long cookie) {
        return new NamespaceId(device, inode, cookie);
    }

    @Override
    public void close() {
        LibC.close(fd);
    }
}
