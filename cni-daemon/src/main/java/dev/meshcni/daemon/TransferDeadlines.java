// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Closes connections on which a transfer does not end in time. All transfers have the same time. So what watches over
 * them need not be woken for one that begins: it never sleeps for longer than that, and in a call on which a pod waits
 * nobody else takes a turn on the processor.
 */
final class TransferDeadlines implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(TransferDeadlines.class);

    private final Duration time;
    private final Set<Transfer> transfers = ConcurrentHashMap.newKeySet();
    private final Thread watcher;
    private volatile boolean closed;

    /** Deadlines that lie so far ahead of a transfer's beginning. */
    TransferDeadlines(Duration time) {
        this.time = requireNonNull(time, "time is null");
        this.watcher = Thread.ofPlatform().daemon().name("agent-deadlines").start(this::watch);
    }

    /** Something that is read from a client, or written to it, until this is closed. */
    final class Transfer implements AutoCloseable {
        private final SocketChannel client;
        private final long end = System.nanoTime() + time.toNanos();

        private Transfer(SocketChannel client) {
            this.client = client;
        }

        @Override
        public void close() {
            transfers.remove(this);
        }
    }

    /** Begins a transfer. */
    Transfer begin(SocketChannel client) {
        Transfer transfer = new Transfer(client);
        transfers.add(transfer);
        return transfer;
    }

    /** Takes no more transfers; those that have begun still have their time. */
    @Override
    public void close() {
        closed = true;
        watcher.interrupt();
    }

    private void watch() {
        while (!closed || !transfers.isEmpty()) {
            try {
                Thread.sleep(cutOverdue());
            } catch (InterruptedException e) {
                LOG.debug("no more transfers");
            }
        }
    }

    /** The time after that in which there is nothing to do. */
    private Duration cutOverdue() {
        long now = System.nanoTime();
        long pause = time.toNanos();
        for (Transfer transfer : transfers) {
            long left = transfer.end - now;
            if (left <= 0) {
                transfer.close();
                cut(transfer.client);
            } else {
                pause = Math.min(pause, left);
            }
        }
        return Duration.ofNanos(pause);
    }

    private static void cut(SocketChannel client) {
        try {
            client.close();
        } catch (IOException e) {
            LOG.debug("closing a connection at its deadline: {}", e.toString());
        }
    }
}
