// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.libc;

import dev.meshcni.core.spi.Deadline;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;

/** Waits until one of a few descriptors can be read ({@code poll(2)}). */
final class Readiness {
    private static final int POLLFD_LENGTH = 8;
    private static final int REVENTS = 6;
    private static final long SLICE_MILLIS = 60_000;

    private Readiness() {}

    /**
     * Waits.
     *
     * @return for each descriptor whether there is something to read, its end and an error included; all false when the
     *     time is over
     */
    static boolean[] await(Duration patience, int... fds) {
        Deadline end = Deadline.after(patience);
        while (true) {
            Duration left = end.remaining();
            boolean[] ready = poll(left, fds);
            if (left.isZero()) {
                return ready;
            }
            for (boolean some : ready) {
                if (some) {
                    return ready;
                }
            }
        }
    }

    private static boolean[] poll(Duration patience, int... fds) {
        ByteBuffer polled = ByteBuffer.allocate(fds.length * POLLFD_LENGTH).order(ByteOrder.nativeOrder());
        for (int fd : fds) {
            polled.putInt(fd).putShort(LibC.POLLIN).putShort((short) 0);
        }
        // Rounded up, so that the last wait reaches the end.
        long millis = Math.min(SLICE_MILLIS, (patience.toNanos() + 999_999) / 1_000_000);
        if (LibC.poll(polled.array(), fds.length, (int) millis) < 0 && LibC.errno() != LibC.EINTR) {
            throw LibC.failure("waiting for a socket");
        }
        boolean[] ready = new boolean[fds.length];
        for (int i = 0; i < fds.length; i++) {
            ready[i] = polled.getShort(i * POLLFD_LENGTH + REVENTS) != 0;
        }
        return ready;
    }
}
