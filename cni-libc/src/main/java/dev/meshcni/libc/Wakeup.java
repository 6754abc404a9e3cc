// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.libc;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;

/** Ends the wait of a thread for a socket, from any other thread ({@code eventfd(2)}). */
public final class Wakeup implements AutoCloseable {
    private static final int CLOSED = -1;

    private int fd;

    public Wakeup() {
        this.fd = LibC.check(LibC.eventfd(0, LibC.O_CLOEXEC | LibC.O_NONBLOCK), "creating an event descriptor");
    }

    /** Ends the wait that is going on, else the next one. Does nothing once this is closed. */
    public synchronized void signal() {
        if (fd != CLOSED) {
            byte[] one = ByteBuffer.allocate(Long.BYTES)
                    .order(ByteOrder.nativeOrder())
                    .putLong(1)
                    .array();
            // It fails only where 2^64 - 2 signals are kept.
            long _ = LibC.write(fd, one, one.length);
        }
    }

    /** Waits for a signal and forgets it; whether one has come in time. */
    public boolean await(Duration patience) {
        boolean signalled = Readiness.await(patience, fd())[0];
        if (signalled) {
            clear();
        }
        return signalled;
    }

    /** The descriptor to wait for: for the thread that waits, which is the one that closes this. */
    synchronized int fd() {
        return fd;
    }

    /** Forgets the signals that have come. */
    synchronized void clear() {
        if (fd != CLOSED) {
            long _ = LibC.read(fd, new byte[Long.BYTES], Long.BYTES);
        }
    }

    @Override
    public synchronized void close() {
        if (fd != CLOSED) {
            LibC.close(fd);
            fd = CLOSED;
        }
    }
}
