// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.libc;

import dev.meshcni.core.spi.NetnsException;
import dev.meshcni.core.spi.RedirectException;
import java.nio.file.Path;

/**
 * An open file with several users, each of which closes what it has; the descriptor is closed with the last one. While
 * it is open, the kernel gives the file's inode to no other file, and a network namespace does not end.
 *
 * <p>Each user has an object of its own, so that a second {@link #close} of one takes nothing from another. For any
 * thread.
 */
public final class SharedDescriptor implements AutoCloseable {
    private static final class Count {
        private int users = 1;
    }

    private final int fd;
    private final FileKey key;
    private final Count count;
    private boolean closed;

    private SharedDescriptor(int fd, FileKey key, Count count) {
        this.fd = fd;
        this.key = key;
        this.count = count;
    }

    /**
     * Opens a file for reading.
     *
     * @throws NetnsException if there is none
     * @throws RedirectException if it cannot be opened
     */
    public static SharedDescriptor open(Path path) {
        // Without O_NONBLOCK, a path that is a FIFO by mistake would hang here.
        int fd = LibC.open(path, LibC.O_RDONLY | LibC.O_NONBLOCK | LibC.O_CLOEXEC);
        if (fd < 0) {
            int errno = LibC.errno();
            if (errno == LibC.ENOENT || errno == LibC.ENOTDIR) {
                throw new NetnsException(path + " does not exist");
            }
            throw LibC.failure("opening " + path, errno);
        }
        try {
            return new SharedDescriptor(fd, FileKey.of(fd), new Count());
        } catch (RedirectException e) {
            LibC.close(fd);
            throw e;
        }
    }

    /**
     * Opens a network namespace.
     *
     * @param path a file that stands for it, such as {@code /var/run/netns/NAME} or {@code /proc/PID/ns/net}
     * @throws NetnsException if there is none at the path, or it is no network namespace
     * @throws RedirectException if it cannot be opened
     */
    public static SharedDescriptor ofNamespace(Path path) {
        SharedDescriptor opened = open(path);
        if (LibC.ioctl(opened.fd, LibC.NS_GET_NSTYPE) != LibC.CLONE_NEWNET) {
            opened.close();
            throw new NetnsException(path + " is not a network namespace");
        }
        return opened;
    }

    /** Which file it is. */
    public FileKey key() {
        return key;
    }

    /**
     * The same file for one more user.
     *
     * @throws IllegalStateException if this one is closed
     */
    public SharedDescriptor share() {
        synchronized (count) {
            requireOpen();
            count.users++;
            return new SharedDescriptor(fd, key, count);
        }
    }

    /** A path of this process that leads to the file until this is closed. */
    public Path path() {
        return Path.of("/proc/self/fd", String.valueOf(fd()));
    }

    /** The descriptor's number, valid until this is closed. */
    int fd() {
        synchronized (count) {
            requireOpen();
            return fd;
        }
    }

    @Override
    public void close() {
        synchronized (count) {
            if (!closed) {
                closed = true;
                count.users--;
                if (count.users == 0) {
                    LibC.close(fd);
                }
            }
        }
    }

    @Override
    public String toString() {
        return key.toString();
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the descriptor of " + key + " is closed");
        }
    }
}
