// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.netns.linux.IptablesBackend;
import dev.meshcni.netns.linux.NftBackend;
import dev.meshcni.redirect.DnsCapture;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.redirect.RuleCompiler;
import dev.meshcni.rules.ConnectionState;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.TransportProtocol;
import dev.meshcni.testkit.NeedsRoot;
import dev.meshcni.trace.Packet;
import dev.meshcni.trace.PacketTrace;
import dev.meshcni.trace.PodNetwork;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Rules that act on what connection tracking remembers, with packets that come after others. */
@NeedsRoot("makes network namespaces")
class ConnectionTrackingTest {
    private static final int PATIENCE_MILLIS = 2_000;
    private static final int SILENCE_MILLIS = 300;
    private static final int APP_PORT = 8080;
    private static final int CLIENT_PORT = 40_053;
    private static final int DNS_PORT = 53;
    private static final int DNS_PROXY_PORT = 15_053;
    private static final InterfaceName UPLINK = new InterfaceName("eth0");

    @BeforeAll
    static void needs() {
        Machine.needs("ip", "nsenter", "iptables", "ip6tables", "nft");
    }

    static Stream<Arguments> backendsAndFamilies() {
        return Stream.of(new IptablesBackend(), new NftBackend())
                .flatMap(backend -> Stream.of(IpFamily.values()).map(family -> Arguments.of(backend, family)));
    }

    @ParameterizedTest
    @MethodSource("backendsAndFamilies")
    void aSegmentOfNoConnectionIsDroppedWhereInvalidPacketsAre(RedirectBackend backend, IpFamily family) {
        try (PodNetns world = PodNetns.create()) {
            RedirectPlan plan =
                    plan(RedirectParameters.builder().dropInvalid(true).build());
            Visit.to(backend, world.pod().path()).apply(plan);

            assertThat(traceOfStrayPacket(plan, family).verdict()).isInstanceOf(PacketTrace.Verdict.Dropped.class);
            assertThat(answersStraySegment(world, family)).isFalse();
        }
    }

    @ParameterizedTest
    @MethodSource("backendsAndFamilies")
    void aSegmentOfNoConnectionIsRefusedByThePodOtherwise(RedirectBackend backend, IpFamily family) {
        try (PodNetns world = PodNetns.create()) {
            RedirectPlan plan = plan(RedirectParameters.builder().build());
            Visit.to(backend, world.pod().path()).apply(plan);

            assertThat(traceOfStrayPacket(plan, family).verdict()).isNotInstanceOf(PacketTrace.Verdict.Dropped.class);
            assertThat(answersStraySegment(world, family)).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("backendsAndFamilies")
    void aQueryOfTheProxyIsNotTakenForOneOfTheApplicationFromTheSamePort(RedirectBackend backend, IpFamily family) {
        try (PodNetns world = PodNetns.create()) {
            Visit.to(backend, world.pod().path())
                    .apply(plan(RedirectParameters.builder()
                            .dns(new DnsCapture.AllResolvers())
                            .build()));

            assertThat(whoAnswersTheProxy(world, family)).contains("resolver");
        }
    }

    /** What the zones are for: without them the test before would see the proxy's query come back to the proxy. */
    @Test
    void withoutZonesTheProxyWouldAskItself() {
        try (PodNetns world = PodNetns.create()) {
            Visit.to(new IptablesBackend(), world.pod().path())
                    .apply(plan(RedirectParameters.builder()
                            .dns(new DnsCapture.AllResolvers())
                            .build()));
            world.pod().run("iptables", "-t", "raw", "-F");

            assertThat(whoAnswersTheProxy(world, IpFamily.IPV4)).isNotEqualTo(Optional.of("resolver"));
        }
    }

    private static RedirectPlan plan(RedirectParameters parameters) {
        return RuleCompiler.compile(parameters, Set.of(IpFamily.values()));
    }

    private static PacketTrace traceOfStrayPacket(RedirectPlan plan, IpFamily family) {
        PodNetwork network = new PodNetwork(UPLINK, List.of(pod(IpFamily.IPV4), pod(IpFamily.IPV6)));
        Packet packet = Packet.first(TransportProtocol.TCP, gateway(family), pod(family), APP_PORT)
                .inState(ConnectionState.INVALID);
        return PacketTrace.received(plan, network, UPLINK, packet);
    }

    /** Sends the second segment of a handshake that nobody began; a pod that gets it resets the connection. */
    private static boolean answersStraySegment(PodNetns world, IpFamily family) {
        return world.beyond().inside(() -> {
            try (KernelSocket raw = KernelSocket.rawTcp(family)) {
                raw.connect(new InetSocketAddress(pod(family), 0));
                raw.send(
                        new TcpSegment(CLIENT_PORT, APP_PORT, TcpSegment.SYN_ACK).encode(gateway(family), pod(family)));
                while (raw.await(Libc.POLLIN, SILENCE_MILLIS)) {
                    boolean reset = raw.receive()
                            .flatMap(received -> TcpSegment.decode(received, family == IpFamily.IPV4))
                            .filter(segment -> segment.destinationPort() == CLIENT_PORT)
                            .filter(segment -> segment.has(TcpSegment.RESET))
                            .isPresent();
                    if (reset) {
                        return true;
                    }
                }
                return false;
            }
        });
    }

    /**
     * The application asks a resolver and is answered by the proxy. Then the proxy asks the same resolver from the same
     * address and port: who answers it?
     */
    private static Optional<String> whoAnswersTheProxy(PodNetns world, IpFamily family) {
        InetSocketAddress client = new InetSocketAddress(pod(family), CLIENT_PORT);
        InetSocketAddress server = new InetSocketAddress(resolver(family), DNS_PORT);
        InetSocketAddress proxyServer = new InetSocketAddress(loopback(family), DNS_PROXY_PORT);
        try (KernelSocket proxy = bound(world.pod(), Owner.PROXY, proxyServer);
                KernelSocket resolver = bound(world.beyond(), Owner.ROOT, server)) {
            try (KernelSocket application = bound(world.pod(), Owner.APPLICATION, client)) {
                application.connect(server);
                application.send(bytes("query"));
                assertThat(answer(proxy, client, "proxy")).isTrue();
                assertThat(received(application)).contains("proxy");
            }
            try (KernelSocket upstream = bound(world.pod(), Owner.PROXY, client)) {
                upstream.connect(server);
                upstream.send(bytes("query"));
                answer(resolver, client, "resolver");
                return received(upstream);
            }
        }
    }

    private static KernelSocket bound(Netns netns, Owner owner, InetSocketAddress address) {
        return netns.inside(() -> {
            IpFamily family = address.getAddress().getAddress().length == 4 ? IpFamily.IPV4 : IpFamily.IPV6;
            KernelSocket socket = owner.apply(() -> KernelSocket.open(family, TransportProtocol.UDP));
            socket.bindFreely();
            socket.bind(address);
            return socket;
        });
    }

    /** Answers a query if one comes. */
    private static boolean answer(KernelSocket server, InetSocketAddress client, String text) {
        if (!server.await(Libc.POLLIN, PATIENCE_MILLIS)) {
            return false;
        }
        server.receive();
        server.connect(client);
        server.send(bytes(text));
        return true;
    }

    private static Optional<String> received(KernelSocket socket) {
        return socket.await(Libc.POLLIN, PATIENCE_MILLIS)
                ? socket.receive().map(data -> new String(data, StandardCharsets.US_ASCII))
                : Optional.empty();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static InetAddress pod(IpFamily family) {
        return literal(family, PodNetns.ADDRESS, PodNetns.ADDRESS_V6);
    }

    private static InetAddress gateway(IpFamily family) {
        return literal(family, PodNetns.GATEWAY, PodNetns.GATEWAY_V6);
    }

    private static InetAddress resolver(IpFamily family) {
        return literal(family, PacketPool.RESOLVER, PacketPool.RESOLVER_V6);
    }

    private static InetAddress loopback(IpFamily family) {
        return literal(family, "127.0.0.1", "::1");
    }

    private static InetAddress literal(IpFamily family, String v4, String v6) {
        return InetAddress.ofLiteral(family == IpFamily.IPV4 ? v4 : v6);
    }
}
