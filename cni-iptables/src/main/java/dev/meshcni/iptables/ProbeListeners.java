// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.iptables;

import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.rules.TransportProtocol;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ProtocolFamily;
import java.net.StandardProtocolFamily;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Listens where probes may arrive, and knows by what they carry at which port each one did. Sockets belong to the
 * network namespace of the thread that opens them, wherever they are served.
 */
final class ProbeListeners implements AutoCloseable {
    private static final int MAX_MESSAGE = 64;

    private final Selector selector;
    private final Map<ProbeToken, Integer> arrivals = new HashMap<>();
    private final Thread server;

    /** Starts with no port. */
    ProbeListeners() {
        try {
            selector = Selector.open();
        } catch (IOException e) {
            throw new UncheckedIOException("no sockets can be served", e);
        }
        server = Thread.ofPlatform().daemon().name("probe listeners").unstarted(this::serve);
    }

    /**
     * Listens on a port.
     *
     * @throws RedirectException if the port is in use
     */
    void listen(TransportProtocol protocol, InetAddress address, int port) {
        InetSocketAddress local = new InetSocketAddress(address, port);
        try {
            switch (protocol) {
                case TCP -> {
                    ServerSocketChannel channel = ServerSocketChannel.open(family(address));
                    register(channel.bind(local), SelectionKey.OP_ACCEPT, port);
                }
                case UDP -> {
                    DatagramChannel channel = DatagramChannel.open(family(address));
                    register(channel.bind(local), SelectionKey.OP_READ, port);
                }
            }
        } catch (IOException e) {
            throw new RedirectException(
                    "cannot listen on " + protocol.label() + " port " + port + " of " + Probe.text(address) + " ("
                            + e.getMessage() + "): validation listens in place of the proxy, so it has to run"
                            + " before the proxy starts",
                    e);
        }
    }

    /** Serves all ports from now on. */
    void start() {
        server.start();
    }

    /** At which port a probe arrived, waiting for it. */
    synchronized OptionalInt arrival(ProbeToken token, long deadlineNanos) throws InterruptedException {
        long left = deadlineNanos - System.nanoTime();
        while (!arrivals.containsKey(token) && left > 0) {
            wait(left / 1_000_000 + 1);
            left = deadlineNanos - System.nanoTime();
        }
        Integer port = arrivals.get(token);
        return port == null ? OptionalInt.empty() : OptionalInt.of(port);
    }

    @Override
    public void close() {
        try {
            for (SelectionKey key : Set.copyOf(selector.keys())) {
                key.channel().close();
            }
            selector.close();
        } catch (IOException e) {
            throw new UncheckedIOException("a socket could not be closed", e);
        }
    }

    private void serve() {
        try {
            while (selector.isOpen()) {
                selector.select(this::serve);
            }
        } catch (IOException | ClosedSelectorException e) {
            // Closed: no more arrivals are expected.
        }
    }

    private void serve(SelectionKey key) {
        int port = (Integer) key.attachment();
        try {
            switch (key.channel()) {
                case ServerSocketChannel listener -> register(listener.accept(), SelectionKey.OP_READ, port);
                case DatagramChannel socket -> {
                    ByteBuffer message = ByteBuffer.allocate(MAX_MESSAGE);
                    socket.receive(message);
                    arrived(message, port);
                }
                case SocketChannel connection -> {
                    // A probe is written at once and fits into one segment.
                    ByteBuffer message = ByteBuffer.allocate(MAX_MESSAGE);
                    connection.read(message);
                    connection.close();
                    arrived(message, port);
                }
                default -> throw new IllegalStateException("no such channel was registered");
            }
        } catch (IOException e) {
            key.cancel();
        }
    }

    private synchronized void arrived(ByteBuffer message, int port) {
        ProbeToken.read(message.flip()).ifPresent(token -> arrivals.put(token, port));
        notifyAll();
    }

    private void register(SelectableChannel channel, int operation, int port) throws IOException {
        channel.configureBlocking(false);
        channel.register(selector, operation, port);
    }

    static ProtocolFamily family(InetAddress address) {
        return address instanceof Inet6Address ? StandardProtocolFamily.INET6 : StandardProtocolFamily.INET;
    }
}
