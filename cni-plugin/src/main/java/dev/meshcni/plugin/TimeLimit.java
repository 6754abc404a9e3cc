// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import java.io.IOException;

/** The moment at which something is given up. */
final class TimeLimit {
    private static final long NANOS_PER_MILLI = 1_000_000;

    private final Host host;
    private final int seconds;
    private final long start;

    private TimeLimit(Host host, int seconds) {
        this.host = host;
        this.seconds = seconds;
        this.start = host.nanoTime();
    }

    static TimeLimit after(Host host, int seconds) {
        return new TimeLimit(host, seconds);
    }

    /** The remaining time in milliseconds; at least one until the limit is reached. */
    int remainingMillis() {
        long left = seconds * 1_000L * NANOS_PER_MILLI - (host.nanoTime() - start);
        return (int) Math.max(0, (left + NANOS_PER_MILLI - 1) / NANOS_PER_MILLI);
    }

    /** Waits until there is something to read. */
    void awaitInput(int descriptor) throws IOException {
        await(host.awaitInput(descriptor, remainingMillis()));
    }

    /** Waits until something can be written. */
    void awaitOutput(int descriptor) throws IOException {
        await(host.awaitOutput(descriptor, remainingMillis()));
    }

    private void await(int result) throws IOException {
        if (result == -Errno.INTERRUPTED && remainingMillis() > 0) {
            return;
        }
        if (Errno.check(result == -Errno.INTERRUPTED ? 0 : result) == 0) {
            throw new TimeIsOverException(seconds);
        }
    }

    /** Nothing has come, or gone, in the time that there was. */
    static final class TimeIsOverException extends IOException {
        private static final long serialVersionUID = 1L;

        TimeIsOverException(int seconds) {
            super("no data for " + seconds + " s");
        }
    }
}
