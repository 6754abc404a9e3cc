// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Two threads that accept connections. The one that accepts serves the connection by itself, while the other goes on to
 * accept: a call that comes alone, as most do, waits for no further thread to wake up. What comes while it is busy gets
 * a virtual thread of its own, so that no connection waits for another.
 */
final class Acceptors implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Acceptors.class);
    private static final int THREADS = 2;
    private static final Duration PAUSE = Duration.ofMillis(100);

    private final ServerSocketChannel server;
    private final Consumer<SocketChannel> service;
    /** One thread waits for a connection, the other one for its turn or for the end of what it serves. */
    private final Semaphore accepting = new Semaphore(1);

    private final Semaphore serving = new Semaphore(THREADS - 1);

    private Acceptors(ServerSocketChannel server, Consumer<SocketChannel> service) {
        this.server = requireNonNull(server, "server is null");
        this.service = requireNonNull(service, "service is null");
    }

    /**
     * Begins to accept.
     *
     * @param server closed with this
     * @param service what is done for a connection, and closes it
     */
    static Acceptors start(ServerSocketChannel server, Consumer<SocketChannel> service) {
        Acceptors acceptors = new Acceptors(server, service);
        IntStream.range(0, THREADS)
                .forEach(_ -> Thread.ofPlatform().name("agent-accept").start(acceptors::run));
        return acceptors;
    }

    /** Stops to accept: from now on connections are refused. Those that are served are not waited for. */
    @Override
    public void close() throws IOException {
        server.close();
        // The kernel refuses nothing as long as a thread is still about to leave accept(2).
        accepting.acquireUninterruptibly();
        accepting.release();
    }

    private void run() {
        while (true) {
            SocketChannel client;
            try {
                client = accept();
            } catch (ClosedChannelException e) {
                return;
            }
            if (serving.tryAcquire()) {
                try {
                    serve(client);
                } finally {
                    serving.release();
                }
            } else {
                Thread.ofVirtual().name("agent-call").start(() -> serve(client));
            }
        }
    }

    /** Whatever happens there, this thread goes on; and a channel is closed on which an interrupted thread waits. */
    private void serve(SocketChannel client) {
        try {
            service.accept(client);
        } catch (RuntimeException | Error e) {
            LOG.error("serving a connection failed in a way that it must not", e);
        } finally {
            if (Thread.interrupted()) {
                LOG.debug("interrupted while serving a connection");
            }
        }
    }

    private SocketChannel accept() throws ClosedChannelException {
        accepting.acquireUninterruptibly();
        try {
            while (true) {
                try {
                    return server.accept();
                } catch (ClosedChannelException e) {
                    throw e;
                } catch (IOException e) {
                    LOG.warn("accepting a connection: {}", e.toString());
                    pause();
                }
            }
        } finally {
            accepting.release();
        }
    }

    private static void pause() {
        try {
            Thread.sleep(PAUSE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
