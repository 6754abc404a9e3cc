// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

/**
 * The system calls that the plugin makes, which are all that it sees of the world. A result is the kernel's; an error
 * is {@code -errno} (errno(3)). Paths end in a NUL byte.
 */
public interface Host {
    /** Each variable of environ(7), as {@code NAME=VALUE}. */
    byte[][] environment();

    /** read(2). */
    int read(int descriptor, byte[] into, int offset, int length);

    /** write(2). */
    int write(int descriptor, byte[] from, int offset, int length);

    /** send(2), without SIGPIPE and without blocking. */
    int send(int socket, byte[] from, int offset, int length);

    /** Waits until a descriptor can be read (poll(2)): 1 when it can, or has failed, 0 when the time is over. */
    int awaitInput(int descriptor, int millis);

    /** Waits likewise until a descriptor can be written. */
    int awaitOutput(int descriptor, int millis);

    /**
     * A connection to a UNIX socket (unix(7)), for as long as it may take to be accepted; never one of the standard
     * descriptors.
     */
    int connect(byte[] path, int millis);

    /** The user that listens at the other end ({@code SO_PEERCRED}, unix(7)). */
    long peer(int socket);

    /** geteuid(2). */
    int user();

    /** lstat(2): the user whose it is, and {@code st_mode}. */
    int status(byte[] path, int[] userAndMode);

    /** readlink(2): the number of bytes that the link's target has. */
    int readLink(byte[] path, byte[] into);

    /** mkdir(2), with mode 0700. */
    int makeDirectory(byte[] path);

    /** Opens a file to append to it, made with mode 0600 if it is missing, and never through a link (open(2)). */
    int openLog(byte[] path);

    /** The size of an open file, in bytes. */
    long size(int descriptor);

    /** close(2). */
    int close(int descriptor);

    /** A monotonic clock, in nanoseconds ({@code CLOCK_MONOTONIC}, clock_gettime(2)). */
    long nanoTime();

    /** The time of day, in milliseconds since 1970. */
    long currentTimeMillis();

    /** Ends this process. */
    void exit(int code);
}
