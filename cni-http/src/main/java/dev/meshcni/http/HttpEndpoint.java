// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.http;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/**
 * A port of the daemon that answers GET on a few pages, whoever is in the network.
 *
 * <p>It has its own non-blocking thread ({@link HttpEventLoop}); all resources of a peer are bounded
 * ({@link HttpLimits}), and nothing that a peer sends or a page throws ends it.
 */
public final class HttpEndpoint implements AutoCloseable {
    /** Connections that the kernel keeps until they are accepted. */
    private static final int BACKLOG = 1024;
    /** Enough for a head; the kernel would let a peer fill megabytes. */
    private static final int RECEIVE_BUFFER = 16 << 10;

    private static final Duration END_PATIENCE = Duration.ofSeconds(5);

    private final HttpEventLoop loop;
    private final int port;
    private final Thread thread;

    private HttpEndpoint(HttpEventLoop loop, int port, String name) {
        this.loop = loop;
        this.port = port;
        this.thread = Thread.ofPlatform().daemon().name(name).start(loop);
    }

    /**
     * Opens a port on all addresses, with {@link HttpLimits#SHIPPED}.
     *
     * @param option the option that the port came from, for the error and the log
     * @param port the port; 0 takes any that is free
     * @param pages what answers
     * @param counter what counts those that are refused
     * @throws PortUnavailableException if the port cannot be opened
     */
    public static HttpEndpoint open(String option, int port, List<HttpPage> pages, Consumer<HttpRefusal> counter) {
        return open(option, port, pages, counter, HttpLimits.SHIPPED);
    }

    /** The same with other limits. */
    static HttpEndpoint open(
            String option, int port, List<HttpPage> pages, Consumer<HttpRefusal> counter, HttpLimits limits) {
        requireNonNull(counter, "counter is null");
        try {
            String name = option.substring(2);
            ServerSocketChannel server = bound(port);
            int opened = server.socket().getLocalPort();
            RefusalLog log = new RefusalLog(option, counter, System::nanoTime);
            HttpPages served = new HttpPages(name, pages, limits.connections(), log);
            return new HttpEndpoint(new HttpEventLoop(Selector.open(), server, served, limits, log), opened, name);
        } catch (IOException e) {
            throw new PortUnavailableException(
                    "port " + port + " of " + option + " cannot be opened: " + e.getMessage()
                            + " (choose another port, or 0 to disable it)",
                    e);
        }
    }

    public int port() {
        return port;
    }

    @Override
    public void close() {
        loop.end();
        try {
            thread.join(END_PATIENCE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static ServerSocketChannel bound(int port) throws IOException {
        ServerSocketChannel server = ServerSocketChannel.open();
        try {
            // Accepted connections inherit it (tcp(7)).
            server.setOption(StandardSocketOptions.SO_RCVBUF, RECEIVE_BUFFER);
            server.configureBlocking(false);
            return server.bind(new InetSocketAddress(port), BACKLOG);
        } catch (IOException | RuntimeException e) {
            server.close();
            throw e;
        }
    }
}
