// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.NamespaceId;
import dev.meshcni.core.spi.NetnsException;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.libc.FileKey;
import dev.meshcni.libc.LibC;
import java.nio.file.Path;

/**
 * A network namespace that was opened once: a descriptor, checked, by which it is entered ({@code setns(2)}). Whatever
 * the path leads to afterwards, this stays the same namespace, and exists as long as it is open.
 *
 * @param fd the descriptor
 * @param key its file
 */
record OpenNamespace(int fd, FileKey key) implements AutoCloseable {
    /**
     * Opens what a path leads to.
     *
     * @throws NetnsException if that is nothing, or no network namespace
     */
    static OpenNamespace of(Path path) {
        // Without O_NONBLOCK, a path that is a FIFO by mistake would hang here.
        int fd = LibC.open(path, LibC.O_RDONLY | LibC.O_NONBLOCK | LibC.O_CLOEXEC);
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
        try {
            return new OpenNamespace(fd, FileKey.of(fd));
        } catch (RedirectException e) {
            LibC.close(fd);
            throw e;
        }
    }

    /** Whether a path leads to this namespace; not when it cannot be looked at. */
    boolean isBehind(Path path) {
        return FileKey.at(path).filter(key::equals).isPresent();
    }

    /** Moves the calling thread into it. */
    void enter() {
        LibC.check(LibC.setns(fd, LibC.CLONE_NEWNET), "entering the network namespace " + key);
    }

    /**
     * The namespace's identity.
     *
     * @param cookie the kernel's number of it, which a socket in it tells; 0 where it has none
     */
    NamespaceId id(long cookie) {
        return new NamespaceId(key.device(), key.inode(), cookie);
    }

    @Override
    public void close() {
        LibC.close(fd);
    }
}
