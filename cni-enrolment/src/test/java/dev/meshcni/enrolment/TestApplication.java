// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.enrolment;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

/** An application in a pod, which says from which address it was called; and those who call it. */
final class TestApplication implements AutoCloseable {
    static final int PORT = 8080;

    private static final int PATIENCE_MILLIS = 5000;
    private static final int MAX_DATAGRAM = 512;
    private static final int QUERY_ID = 0x4d43;

    private final ServerSocket server;

    TestApplication(TestPodNetns pod) {
        server = pod.inside(() -> new ServerSocket(PORT));
        Thread.ofPlatform().daemon().name("application").start(this::serve);
    }

    /** Calls from a namespace; the address that the application has seen. */
    static String call(TestPodNetns from, String address, int port) {
        return from.inside(() -> {
            try (Socket socket = new Socket()) {
                socket.setSoTimeout(PATIENCE_MILLIS);
                socket.connect(new InetSocketAddress(InetAddress.ofLiteral(address), port), PATIENCE_MILLIS);
                return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            }
        });
    }

    /** The first address that a resolver answers for a name, asked for by UDP from a namespace. */
    static String resolve(TestPodNetns from, String resolver, String name) {
        byte[] query = query(name);
        return from.inside(() -> {
            try (DatagramSocket socket = new DatagramSocket()) {
                socket.setSoTimeout(PATIENCE_MILLIS);
                socket.send(new DatagramPacket(query, query.length, InetAddress.ofLiteral(resolver), 53));
                byte[] answer = new byte[MAX_DATAGRAM];
                DatagramPacket received = new DatagramPacket(answer, answer.length);
                socket.receive(received);
                // Of the only answer, an A record stands at the end, unless EDNS follows; the query has none.
                int end = received.getLength();
                byte[] address = {answer[end - 4], answer[end - 3], answer[end - 2], answer[end - 1]};
                return InetAddress.getByAddress(address).getHostAddress();
            }
        });
    }

    private static byte[] query(String name) {
        byte[] query = new byte[12 + name.length() + 2 + 4];
        query[0] = (byte) (QUERY_ID >> 8);
        query[1] = (byte) QUERY_ID;
        query[2] = 1;
        query[5] = 1;
        int at = 12;
        for (String label : name.split("\\.", -1)) {
            query[at++] = (byte) label.length();
            for (byte c : label.getBytes(StandardCharsets.US_ASCII)) {
                query[at++] = c;
            }
        }
        query[at + 2] = 1;
        query[at + 4] = 1;
        return query;
    }

    /** Calls all the time until it is closed. */
    static final class Load implements AutoCloseable {
        private final AtomicInteger calls = new AtomicInteger();
        private final AtomicInteger failures = new AtomicInteger();
        private final Thread thread;
        private volatile boolean closed;

        Load(TestPodNetns from, String address, Duration pause) {
            thread = Thread.ofPlatform().daemon().name("load").start(() -> {
                while (!closed) {
                    try {
                        String _ = call(from, address, PORT);
                    } catch (UncheckedIOException e) {
                        failures.incrementAndGet();
                    }
                    calls.incrementAndGet();
                    try {
                        Thread.sleep(pause);
                    } catch (InterruptedException e) {
                        return;
                    }
                }
            });
        }

        int calls() {
            return calls.get();
        }

        int failures() {
            return failures.get();
        }

        @Override
        public void close() {
            closed = true;
            try {
                thread.join();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
    }

    private void serve() {
        while (!server.isClosed()) {
            try (Socket socket = server.accept()) {
                String caller = socket.getInetAddress().getHostAddress();
                socket.getOutputStream().write(caller.getBytes(StandardCharsets.UTF_8));
            } catch (IOException e) {
                // It was closed, or a caller has gone away.
            }
        }
    }
}
