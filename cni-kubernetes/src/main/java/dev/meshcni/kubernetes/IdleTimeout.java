// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;

/** Closes an idle stream after a timeout, because a silently dropped connection never ends by itself. */
final class IdleTimeout implements AutoCloseable {
    private final Duration bound;
    private final Thread thread;
    private volatile long lastSign = System.nanoTime();
    private volatile InputStream guarded = InputStream.nullInputStream();

    IdleTimeout(Duration bound) {
        this.bound = bound;
        this.thread = Thread.ofVirtual().name("pod-watch-silence").start(this::run);
    }

    /** Closes the stream when it is silent for too long; a stream that has been opened is a sign of life. */
    InputStream guard(InputStream stream) {
        broken();
        guarded = stream;
        return new FilterInputStream(stream) {
            @Override
            public int read(byte[] buffer, int offset, int length) throws IOException {
                int read = super.read(buffer, offset, length);
                broken();
                return read;
            }
        };
    }

    /** Says that something has come. */
    void broken() {
        lastSign = System.nanoTime();
    }

    boolean isTooLong() {
        return System.nanoTime() - lastSign > bound.toNanos();
    }

    /** Closes the stream now. */
    void interrupt() {
        try {
            guarded.close();
        } catch (IOException e) {
            // Its reader sees the end of the stream.
            return;
        }
    }

    @Override
    public void close() {
        thread.interrupt();
        interrupt();
    }

    private void run() {
        try {
            while (true) {
                Thread.sleep(Duration.ofMillis(Math.max(10, bound.toMillis() / 20)));
                if (isTooLong()) {
                    interrupt();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
