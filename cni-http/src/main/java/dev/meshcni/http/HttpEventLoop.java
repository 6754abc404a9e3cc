// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.http;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** All connections of a port, in one thread that never waits for one of them. */
final class HttpEventLoop implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(HttpEventLoop.class);
    private static final int BUFFER = 8 << 10;
    /** The number of connections accepted before open ones are served. */
    private static final int ACCEPTED_AT_ONCE = 64;

    private static final Duration TICK = Duration.ofMillis(100);

    private final Selector selector;
    private final ServerSocketChannel server;
    private final HttpPages pages;
    private final HttpLimits limits;
    private final RefusalLog log;
    private final ConnectionSlots<HttpConnection> places;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER);
    private final Queue<Finished> finished = new ConcurrentLinkedQueue<>();
    private volatile boolean ended;
    private boolean accepting;
    private long lastTick = System.nanoTime();

    /** An answer of a page to a connection, which may be closed by now. */
    private record Finished(HttpConnection connection, HttpAnswer answer) {}

    /** Something that is done for one connection. */
    @FunctionalInterface
    private interface Step {
        void take() throws IOException;
    }

    HttpEventLoop(Selector selector, ServerSocketChannel server, HttpPages pages, HttpLimits limits, RefusalLog log) {
        this.selector = requireNonNull(selector, "selector is null");
        this.server = requireNonNull(server, "server is null");
        this.pages = requireNonNull(pages, "pages is null");
        this.limits = requireNonNull(limits, "limits is null");
        this.log = requireNonNull(log, "log is null");
        this.places = new ConnectionSlots<>(limits.connections(), limits.peerConnections());
    }

    /** Serves until {@link #end}. */
    @Override
    public void run() {
        try (selector;
                server;
                pages) {
            listen();
            while (!ended) {
                survivingRound();
            }
            places.all().forEach(HttpConnection::close);
        } catch (IOException e) {
            LOG.warn("error closing a port: {}", e.toString());
        }
    }

    /** Ends {@link #run}; from any thread. */
    void end() {
        ended = true;
        selector.wakeup();
    }

    private void survivingRound() {
        try {
            round();
        } catch (IOException | RuntimeException | Error e) {
            log.failed("a round", e);
            LockSupport.parkNanos(TICK.toNanos());
        }
    }

    private void round() throws IOException {
        selector.select(this::ready, places.isEmpty() && !log.hasUntold() && accepting ? 0 : TICK.toMillis());
        for (Finished next = finished.poll(); next != null; next = finished.poll()) {
            Finished done = next;
            take(done.connection(), () -> done.connection().answer(done.answer()));
            boundUnsent();
        }
        long now = System.nanoTime();
        if (now - lastTick > TICK.toNanos()) {
            lastTick = now;
            listen();
            places.all().stream().filter(connection -> connection.isLate(now)).forEach(this::late);
            log.tell();
        }
    }

    private void listen() throws IOException {
        if (!accepting) {
            server.register(selector, SelectionKey.OP_ACCEPT);
            accepting = true;
        }
    }

    private void ready(SelectionKey key) {
        if (key.attachment() instanceof HttpConnection connection) {
            take(connection, () -> serve(connection));
        } else {
            accept(key);
        }
    }

    private void serve(HttpConnection connection) throws IOException {
        switch (connection.state()) {
            case READING -> read(connection);
            case WRITING -> connection.write();
            case DROPPING -> connection.drop(buffer);
            case AWAITING -> {}
        }
    }

    private void read(HttpConnection connection) throws IOException {
        try {
            connection
                    .read(buffer)
                    .ifPresent(
                            request -> pages.answer(request, connection::isOpen, answer -> finish(connection, answer)));
        } catch (HttpRefusedException e) {
            log.refused(e.refusal(), connection.peer());
            connection.answer(e.answer());
        }
    }

    /** From any thread. */
    private void finish(HttpConnection connection, HttpAnswer answer) {
        finished.add(new Finished(connection, answer));
        selector.wakeup();
    }

    private void accept(SelectionKey key) {
        try {
            for (int i = 0; i < ACCEPTED_AT_ONCE; i++) {
                SocketChannel channel = server.accept();
                if (channel == null) {
                    return;
                }
                admit(channel);
            }
        } catch (IOException e) {
            // For example out of file descriptors. It would be ready again immediately: retried after a delay.
            log.refused(HttpRefusal.NOT_ACCEPTED);
            key.interestOps(0);
            accepting = false;
        }
    }

    private void admit(SocketChannel channel) throws IOException {
        try {
            HttpConnection connection = HttpConnection.of(channel, selector, limits);
            places.take(connection, connection.peer()).ifPresent(this::displace);
        } catch (IOException | RuntimeException | Error e) {
            channel.close();
            throw e;
        }
    }

    private void displace(ConnectionSlots.Displaced<HttpConnection> displaced) {
        HttpConnection connection = displaced.connection();
        connection.close();
        if (connection.state() != HttpConnection.State.DROPPING) {
            log.refused(displaced.reason(), connection.peer());
        }
    }

    private void late(HttpConnection connection) {
        switch (connection.state()) {
            case READING -> refuse(connection, HttpRefusal.SLOW_REQUEST);
            case WRITING -> refuse(connection, HttpRefusal.SLOW_ANSWER);
            case DROPPING -> close(connection);
            case AWAITING -> {
                log.refused(HttpRefusal.PAGE_LATE, connection.peer());
                take(connection, () -> connection.answer(HttpAnswer.text(503, "timeout generating this page")));
            }
        }
    }

    /** Answers wait in memory for peers that do not read: beyond a bound the oldest go. */
    private void boundUnsent() {
        long unsent = places.all().stream().mapToLong(HttpConnection::unsent).sum();
        for (HttpConnection connection : places.all()) {
            if (unsent <= limits.unsentBytes()) {
                return;
            }
            if (connection.unsent() > 0) {
                unsent -= connection.unsent();
                refuse(connection, HttpRefusal.SLOW_ANSWER);
            }
        }
    }

    private void take(HttpConnection connection, Step step) {
        try {
            step.take();
        } catch (IOException e) {
            LOG.debug("peer disconnected: {}", e.toString());
            close(connection);
        } catch (RuntimeException | Error e) {
            close(connection);
            log.failed("a connection", e);
        }
        if (!connection.isOpen()) {
            places.leave(connection);
        }
    }

    private void refuse(HttpConnection connection, HttpRefusal reason) {
        log.refused(reason, connection.peer());
        close(connection);
    }

    private void close(HttpConnection connection) {
        connection.close();
        places.leave(connection);
    }
}
