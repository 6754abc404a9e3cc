// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.iptables;

import static java.util.Objects.requireNonNull;

import dev.meshcni.netns.linux.SocketOwner;
import dev.meshcni.rules.TransportProtocol;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.OptionalInt;

/** Sends probes to addresses of the pod itself, and tells where they arrive. */
final class ProbeSender {
    private static final long TRY_NANOS = Duration.ofMillis(500).toNanos();

    private final ProbeListeners listeners;
    private final ProcessRights rights;
    private final long deadlineNanos;

    /** @param timeout how long to wait for probes, all in all; rules that come late are in time until then */
    ProbeSender(ProbeListeners listeners, ProcessRights rights, Duration timeout) {
        this.listeners = requireNonNull(listeners, "listeners is null");
        this.rights = requireNonNull(rights, "rights is null");
        this.deadlineNanos = System.nanoTime() + timeout.toNanos();
    }

    /**
     * Where a probe arrived.
     *
     * @param port the port, 0 if it did not arrive
     * @param description the same as text
     */
    record Arrival(int port, String description) {}

    /** Returns whether an address is one of this pod, to which nothing leaves it. */
    boolean isLocal(InetAddress address) {
        try {
            return address.isLoopbackAddress() || NetworkInterface.getByInetAddress(address) != null;
        } catch (SocketException e) {
            throw new UncheckedIOException("cannot read the addresses of this pod", e);
        }
    }

    /** Sends a probe until it arrives where it is expected, or time is up. */
    Arrival send(Probe probe) throws InterruptedException {
        if (!isLocal(probe.destination())) {
            throw new IllegalArgumentException(probe.destination() + " is not an address of this pod");
        }
        Arrival arrival = sendOnce(probe);
        while (arrival.port() != probe.expected() && System.nanoTime() < deadlineNanos) {
            Thread.sleep(Math.min(TRY_NANOS, Math.max(1, deadlineNanos - System.nanoTime())) / 1_000_000);
            arrival = sendOnce(probe);
        }
        return arrival;
    }

    private Arrival sendOnce(Probe probe) throws InterruptedException {
        ProbeToken token = ProbeToken.create();
        try {
            if (probe.protocol() == TransportProtocol.TCP) {
                connect(probe, token);
            } else {
                sendDatagram(probe, token);
            }
        } catch (IOException e) {
            return new Arrival(0, "failed: " + e.getMessage());
        }
        OptionalInt port = listeners.arrival(token, System.nanoTime() + TRY_NANOS);
        return port.isPresent()
                ? new Arrival(port.getAsInt(), "arrived at port " + port.getAsInt())
                : new Arrival(0, "did not arrive");
    }

    private void connect(Probe probe, ProbeToken token) throws IOException {
        try (SocketChannel channel = owned(probe, () -> SocketChannel.open(ProbeListeners.family(probe.source())))) {
            channel.bind(new InetSocketAddress(probe.source(), 0));
            channel.socket().connect(destination(probe), (int) (TRY_NANOS / 1_000_000));
            channel.write(token.write());
        }
    }

    private void sendDatagram(Probe probe, ProbeToken token) throws IOException {
        try (DatagramChannel channel =
                owned(probe, () -> DatagramChannel.open(ProbeListeners.family(probe.source())))) {
            channel.bind(new InetSocketAddress(probe.source(), 0));
            channel.send(token.write(), destination(probe));
        }
    }

    private <T> T owned(Probe probe, Opening<T> opening) throws IOException {
        if (probe.uid() == rights.uid() && probe.gid() == rights.gid()) {
            return opening.open();
        }
        try {
            return SocketOwner.as((int) probe.uid(), (int) probe.gid(), () -> {
                try {
                    return opening.open();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private static InetSocketAddress destination(Probe probe) {
        return new InetSocketAddress(probe.destination(), probe.port());
    }

    private interface Opening<T> {
        T open() throws IOException;
    }
}
