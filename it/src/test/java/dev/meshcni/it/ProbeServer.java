// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import com.sun.jna.LastErrorException;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.TransportProtocol;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Listens inside a namespace, on TCP and UDP and on all addresses of both families, and reports each probe that it
 * gets. All its sockets belong to one user and group: a proxy's to 1337, an application's to another.
 */
final class ProbeServer implements AutoCloseable {
    private static final int POLL_ENTRY = 8;
    private static final int FOREVER = -1;

    private final String name;
    private final Arrivals arrivals;
    private final Map<Integer, Endpoint> endpoints = new HashMap<>();
    private final int wakeUp = Libc.C.eventfd(0, Libc.SOCK_CLOEXEC);
    private final Thread thread;

    /** A socket that is waited for: one that listens, or a connection that was accepted from one. */
    private record Endpoint(KernelSocket socket, TransportProtocol protocol, int port, boolean listens) {}

    private ProbeServer(String name, Arrivals arrivals, Netns netns, Owner owner, Collection<Integer> ports) {
        this.name = name;
        this.arrivals = arrivals;
        netns.inside(() -> owner.apply(() -> {
            open(owner, ports);
            return ports;
        }));
        this.thread = netns.start("probe server " + name, this::serve);
    }

    /**
     * Starts to listen.
     *
     * @param name stands in {@link Outcome.Arrived#listener}
     */
    static ProbeServer start(String name, Arrivals arrivals, Netns netns, Owner owner, Collection<Integer> ports) {
        return new ProbeServer(name, arrivals, netns, owner, ports);
    }

    @Override
    public void close() {
        Libc.C.write(wakeUp, new byte[] {1, 1, 1, 1, 1, 1, 1, 1}, Long.BYTES);
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        endpoints.values().forEach(endpoint -> endpoint.socket().close());
        Libc.C.close(wakeUp);
    }

    private void open(Owner owner, Collection<Integer> ports) {
        for (IpFamily family : IpFamily.values()) {
            for (TransportProtocol protocol : TransportProtocol.values()) {
                ports.forEach(port -> open(owner, family, protocol, port));
            }
        }
    }

    private void open(Owner owner, IpFamily family, TransportProtocol protocol, int port) {
        KernelSocket socket = KernelSocket.open(family, protocol);
        if (owner.mark() != 0) {
            socket.mark(owner.mark());
        }
        socket.reuseAddress();
        socket.transparent();
        socket.bind(new InetSocketAddress(InetAddress.ofLiteral(family == IpFamily.IPV4 ? "0.0.0.0" : "::"), port));
        if (protocol == TransportProtocol.TCP) {
            socket.listen();
        }
        endpoints.put(socket.fd(), new Endpoint(socket, protocol, port, true));
    }

    private void serve() {
        for (List<Integer> ready = await(); !ready.contains(wakeUp); ready = await()) {
            ready.forEach(fd -> take(endpoints.get(fd)));
        }
    }

    private List<Integer> await() {
        ByteBuffer poll =
                ByteBuffer.allocateDirect((endpoints.size() + 1) * POLL_ENTRY).order(ByteOrder.nativeOrder());
        poll.putInt(wakeUp).putShort(Libc.POLLIN).putShort((short) 0);
        endpoints.keySet().forEach(fd -> poll.putInt(fd).putShort(Libc.POLLIN).putShort((short) 0));
        Libc.C.poll(poll.flip(), endpoints.size() + 1L, FOREVER);
        List<Integer> ready = new ArrayList<>();
        for (int entry = 0; entry < poll.capacity(); entry += POLL_ENTRY) {
            if (poll.getShort(entry + 6) != 0) {
                ready.add(poll.getInt(entry));
            }
        }
        return ready;
    }

    private void take(Endpoint endpoint) {
        try {
            if (endpoint.listens() && endpoint.protocol() == TransportProtocol.TCP) {
                endpoint.socket().accept().ifPresent(connection -> {
                    connection.resetOnClose();
                    endpoints.put(
                            connection.fd(), new Endpoint(connection, endpoint.protocol(), endpoint.port(), false));
                });
            } else {
                endpoint.socket().receive().ifPresent(payload -> report(endpoint, payload));
            }
        } catch (LastErrorException e) {
            // The peer has gone; what it sent before has been read and reported.
            if (!endpoint.listens()) {
                forget(endpoint);
            }
        }
    }

    private void report(Endpoint endpoint, byte[] payload) {
        KernelSocket socket = endpoint.socket();
        boolean connection = !endpoint.listens();
        if (payload.length > 0) {
            Optional<InetSocketAddress> original = connection ? socket.originalDestination() : Optional.empty();
            arrivals.arrived(
                    payload, new Outcome.Arrived(name, endpoint.protocol(), endpoint.port(), socket.local(), original));
        }
        if (connection) {
            forget(endpoint);
        }
    }

    private void forget(Endpoint endpoint) {
        endpoints.remove(endpoint.socket().fd());
        endpoint.socket().close();
    }
}
