// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.iptables;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.rules.TransportProtocol;
import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class ProbeListenersTest {
    private static final InetAddress LOOPBACK = InetAddress.ofLiteral("127.0.0.1");

    @Test
    void aProbeIsKnownByItsTokenAtThePortWhereItArrives() throws IOException, InterruptedException {
        int first = freePort();
        int second = freePort();
        try (ProbeListeners listeners = new ProbeListeners()) {
            listeners.listen(TransportProtocol.TCP, LOOPBACK, first);
            listeners.listen(TransportProtocol.TCP, LOOPBACK, second);
            listeners.start();
            ProbeToken token = ProbeToken.create();

            send(second, token.write().array());

            assertThat(listeners.arrival(token, in(Duration.ofSeconds(10)))).hasValue(second);
        }
    }

    @Test
    void whatOthersSendIsNoArrival() throws IOException, InterruptedException {
        int port = freePort();
        try (ProbeListeners listeners = new ProbeListeners()) {
            listeners.listen(TransportProtocol.TCP, LOOPBACK, port);
            listeners.start();
            ProbeToken token = ProbeToken.create();

            send(port, "GET / HTTP/1.1\r\n".getBytes(StandardCharsets.US_ASCII));
            send(port, ProbeToken.create().write().array());
            send(port, new byte[0]);
            send(port, token.write().array());

            assertThat(listeners.arrival(token, in(Duration.ofSeconds(10)))).hasValue(port);
            assertThat(listeners.arrival(ProbeToken.create(), in(Duration.ZERO)))
                    .isEmpty();
        }
    }

    @Test
    void aPortInUseIsNamed() throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, LOOPBACK);
                ProbeListeners listeners = new ProbeListeners()) {
            assertThatThrownBy(() -> listeners.listen(TransportProtocol.TCP, LOOPBACK, taken.getLocalPort()))
                    .isInstanceOf(RedirectException.class)
                    .hasMessageContaining("tcp port " + taken.getLocalPort() + " of 127.0.0.1")
                    .hasMessageContaining("before the proxy starts");
        }
    }

    @Test
    void aPortIsFreeAgainWhenNobodyListensAnyMore() throws IOException {
        int port = freePort();
        try (ProbeListeners listeners = new ProbeListeners()) {
            listeners.listen(TransportProtocol.UDP, LOOPBACK, port);
            listeners.start();
        }
        try (DatagramSocket again = new DatagramSocket(new InetSocketAddress(LOOPBACK, port))) {
            assertThat(again.getLocalPort()).isEqualTo(port);
        }
    }

    private static void send(int port, byte[] message) throws IOException {
        try (Socket socket = new Socket(LOOPBACK, port)) {
            socket.getOutputStream().write(message);
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, LOOPBACK)) {
            return socket.getLocalPort();
        }
    }

    private static long in(Duration time) {
        return System.nanoTime() + time.toNanos();
    }
}
