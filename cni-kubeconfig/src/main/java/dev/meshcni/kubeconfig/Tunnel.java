// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubeconfig;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.util.Objects.requireNonNull;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * An HTTP proxy inside this process, which takes every connection along one {@link Route}: the JDK's HTTP client knows
 * neither SOCKS, nor proxies that want a password, nor a name for TLS other than that of the URL.
 *
 * <p>It listens on loopback. What others on the machine reach by it is the API server's port without a credential.
 */
public final class Tunnel implements AutoCloseable {
    /** The statuses by which it refuses; the HTTP client shows no more of a refusal. */
    public enum Refusal {
        /** The proxy wants a name and a password, or others; not 407, which the JDK's client takes for itself. */
        CREDENTIALS(511),
        /** The proxy does not reach the server, or does not want to. */
        BY_PROXY(502),
        /** The proxy is not reached. */
        NO_PROXY(503),
        /** The server is not reached. */
        NO_SERVER(504);

        private final int status;

        Refusal(int status) {
            this.status = status;
        }

        /** The status of HTTP. */
        public int status() {
            return status;
        }
    }

    private static final int BACKLOG = 50;
    private static final int LONGEST_HEAD = 1 << 16;

    private final Route route;
    private final Duration timeout;
    private final ServerSocket entrance;
    private final Set<Closeable> open = ConcurrentHashMap.newKeySet();

    private Tunnel(Route route, Duration timeout, ServerSocket entrance) {
        this.route = route;
        this.timeout = timeout;
        this.entrance = entrance;
    }

    /**
     * Opens one; nothing is dialled yet.
     *
     * @param timeout how long a connection may take to come about
     */
    public static Tunnel open(Route route, Duration timeout) throws IOException {
        requireNonNull(route, "route is null");
        requireNonNull(timeout, "timeout is null");
        Tunnel tunnel = new Tunnel(route, timeout, new ServerSocket(0, BACKLOG, InetAddress.getLoopbackAddress()));
        Thread.ofVirtual().name("tunnel").start(tunnel::accept);
        return tunnel;
    }

    /** Where it listens. */
    public InetSocketAddress address() {
        return (InetSocketAddress) entrance.getLocalSocketAddress();
    }

    @Override
    public void close() throws IOException {
        entrance.close();
        for (Closeable connection : open) {
            connection.close();
        }
    }

    private void accept() {
        while (!entrance.isClosed()) {
            try {
                Socket client = entrance.accept();
                Thread.ofVirtual().name("tunnel-client").start(() -> serve(client));
            } catch (IOException _) {
                return;
            }
        }
    }

    private void serve(Socket client) {
        open.add(client);
        try (client) {
            byte[] head = head(client.getInputStream());
            boolean connect = new String(head, ISO_8859_1).startsWith("CONNECT ");
            try (Socket server = Proxies.connect(route, timeout)) {
                open.add(server);
                if (connect) {
                    client.getOutputStream().write("HTTP/1.1 200 OK\r\n\r\n".getBytes(ISO_8859_1));
                } else {
                    server.getOutputStream().write(head);
                }
                Thread back = Thread.ofVirtual().start(() -> copy(server, client));
                copy(client, server);
                back.join();
                open.remove(server);
            } catch (RefusedException e) {
                client.getOutputStream()
                        .write(("HTTP/1.1 " + e.refusal().status() + " Refused\r\nContent-Length: 0\r\n\r\n")
                                .getBytes(ISO_8859_1));
            }
        } catch (IOException _) {
            // One of the two ends is gone, and the other one is closed with it.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            open.remove(client);
        }
    }

    private static void copy(Socket from, Socket to) {
        try {
            from.getInputStream().transferTo(to.getOutputStream());
            to.shutdownOutput();
        } catch (IOException _) {
            close(from);
            close(to);
        }
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException _) {
            // Closed enough.
        }
    }

    /** The head of a message of HTTP, with the empty line at its end. */
    static byte[] head(InputStream in) throws IOException {
        ByteArrayOutputStream head = new ByteArrayOutputStream();
        int matched = 0;
        while (matched < 4) {
            int next = in.read();
            if (next < 0 || head.size() > LONGEST_HEAD) {
                throw new IOException("no head of an HTTP message");
            }
            head.write(next);
            matched = next == "\r\n\r\n".charAt(matched) ? matched + 1 : next == '\r' ? 1 : 0;
        }
        return head.toByteArray();
    }
}
