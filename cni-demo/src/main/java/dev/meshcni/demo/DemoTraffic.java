// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.demo;

import dev.meshcni.netns.linux.NetworkNamespace;
import dev.meshcni.netns.linux.SocketOwner;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Sends real connections through the rules. Each listener says its own name to whoever connects, so that a client
 * learns where it has arrived, whatever address it dialled.
 */
final class DemoTraffic implements AutoCloseable {
    private static final int TIMEOUT_MILLIS = 3000;
    private static final int BACKLOG = 8;

    private final List<ServerSocket> listeners = new ArrayList<>();

    /** Listens inside a namespace, on all its addresses. */
    void listen(Path netns, int port, String name) {
        ServerSocket listener = NetworkNamespace.inside(netns, () -> {
            try {
                return new ServerSocket(port, BACKLOG, InetAddress.ofLiteral("0.0.0.0"));
            } catch (IOException e) {
                throw new UncheckedIOException("port " + port + " cannot be opened", e);
            }
        });
        listeners.add(listener);
        Thread.ofVirtual().start(() -> answer(listener, name));
    }

    /** Connects from inside a namespace as a user and a group; the result is the name of the listener that answered. */
    static String connect(Path netns, int id, String address, int port) {
        return NetworkNamespace.inside(
                netns,
                () -> SocketOwner.as(id, id, () -> {
                    try (Socket socket = new Socket()) {
                        socket.connect(new InetSocketAddress(InetAddress.ofLiteral(address), port), TIMEOUT_MILLIS);
                        socket.setSoTimeout(TIMEOUT_MILLIS);
                        return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                    } catch (IOException e) {
                        return "nowhere: " + e.getMessage();
                    }
                }));
    }

    @Override
    public void close() {
        for (ServerSocket listener : listeners) {
            try {
                listener.close();
            } catch (IOException e) {
                throw new UncheckedIOException("a listener cannot be closed", e);
            }
        }
    }

    private static void answer(ServerSocket listener, String name) {
        while (!listener.isClosed()) {
            try (Socket client = listener.accept()) {
                client.getOutputStream().write(name.getBytes(StandardCharsets.UTF_8));
            } catch (IOException e) {
                if (!listener.isClosed()) {
                    throw new UncheckedIOException("a connection cannot be answered", e);
                }
            }
        }
    }
}
