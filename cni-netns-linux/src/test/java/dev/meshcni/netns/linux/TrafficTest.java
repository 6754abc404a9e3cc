// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleDifference;
import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Connections arrive where the rules send them: a pod and its peer, in two namespaces joined by a cable. */
@NeedsRoot("makes network namespaces")
class TrafficTest {
    private static final String POD = "10.99.0.2";
    private static final String PEER = "10.99.0.1";
    private static final String POD6 = "fd00:99::2";
    private static final String PEER6 = "fd00:99::1";

    private final List<AutoCloseable> open = new ArrayList<>();
    private TestNetns pod;
    private TestNetns peer;

    @BeforeEach
    void joinTwoNamespaces() {
        pod = closed(new TestNetns());
        peer = closed(new TestNetns());
        TestNetns.run(
                "ip",
                "-n",
                pod.name(),
                "link",
                "add",
                "eth0",
                "type",
                "veth",
                "peer",
                "name",
                "eth0",
                "netns",
                peer.name());
        pod.shell("ip addr add " + POD + "/24 dev eth0; ip -6 addr add " + POD6 + "/64 dev eth0 nodad;"
                + "ip link set eth0 up; ip route add default via " + PEER);
        peer.shell("ip addr add " + PEER + "/24 dev eth0; ip -6 addr add " + PEER6 + "/64 dev eth0 nodad;"
                + "ip link set eth0 up");
    }

    @AfterEach
    void closeAll() throws Exception {
        for (AutoCloseable resource : open.reversed()) {
            resource.close();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nft", "legacy", "nftables"})
    void connectionsGoToTheProxyExceptItsOwnAndTheExcluded(String kind) {
        serve(pod, 15001, 15006, 15021, 8080, 15020);
        serve(peer, 80);
        Visit.to(backend(kind), pod.path()).apply(Plans.redirect(IpFamily.values()));

        for (List<String> addresses : List.of(List.of(POD, PEER), List.of(POD6, PEER6))) {
            String own = addresses.getFirst();
            String other = addresses.getLast();
            String self = own.equals(POD) ? "127.0.0.1" : "::1";
            assertThat(connect(pod, 1000, other, 80)).as("outbound").isEqualTo("pod 15001");
            assertThat(connect(pod, 1337, other, 80))
                    .as("outbound of the proxy")
                    .isEqualTo("peer 80");
            assertThat(connect(peer, 1000, own, 8080)).as("inbound").isEqualTo("pod 15006");
            assertThat(connect(peer, 1000, own, 15021))
                    .as("excluded inbound port")
                    .isEqualTo("pod 15021");
            assertThat(connect(pod, 1000, own, 8080))
                    .as("the application to itself")
                    .isEqualTo("pod 8080");
            assertThat(connect(pod, 1337, own, 8080)).as("the proxy to its pod").isEqualTo("pod 15006");
            assertThat(connect(pod, 1000, self, 8080)).as("loopback").isEqualTo("pod 8080");
            assertThat(connect(pod, 1000, own, 15020))
                    .as("excluded outbound port")
                    .isEqualTo("pod 15020");
        }

        Visit.to(backend(kind), pod.path()).remove();
        assertThat(connect(pod, 1000, PEER, 80)).as("after removal").isEqualTo("peer 80");
    }

    @ParameterizedTest
    @CsvSource({"nft, iptables-nft", "legacy, iptables-legacy", "nftables, iptables-nft", "nftables, iptables-legacy"})
    void whatAnotherMeshRedirectsComesToTheProxyFirst(String kind, String program) {
        serve(pod, 15001, 15003);
        serve(peer, 80);
        redirectByAnotherMesh(program);
        assertThat(connect(pod, 1000, PEER, 80)).as("before").isEqualTo("pod 15003");
        RedirectPlan plan = Plans.redirect(IpFamily.IPV4);

        Visit.to(backend(kind), pod.path()).apply(plan);

        assertThat(connect(pod, 1000, PEER, 80)).isEqualTo("pod 15001");
        assertThat(Visit.to(backend(kind), pod.path()).differences(plan)).isEmpty();
    }

    /** Of two chains with the same priority the kernel enters the one first that was made last. */
    @ParameterizedTest
    @CsvSource({"nft, iptables-nft", "legacy, iptables-legacy", "nftables, iptables-nft", "nftables, iptables-legacy"})
    void whatAnotherMeshRedirectsLaterDoesSoToo(String kind, String program) {
        serve(pod, 15001, 15003);
        serve(peer, 80);
        RedirectPlan plan = Plans.redirect(IpFamily.IPV4);
        Visit.to(backend(kind), pod.path()).apply(plan);

        redirectByAnotherMesh(program);

        assertThat(connect(pod, 1000, PEER, 80)).isEqualTo("pod 15001");
        assertThat(Visit.to(backend(kind), pod.path()).differences(plan)).isEmpty();
    }

    @Test
    void aChainOfOthersThatTheKernelEntersBeforeOursIsADifference() {
        serve(pod, 15001, 15003);
        serve(peer, 80);
        RedirectPlan plan = Plans.redirect(IpFamily.IPV4);
        Visit visit = Visit.to(new NftBackend(), pod.path());
        visit.apply(plan);

        pod.shell("nft 'add table inet kuma; add chain inet kuma out { type nat hook output priority -150; };"
                + "add rule inet kuma out tcp dport 80 redirect to :15003'");

        assertThat(connect(pod, 1000, PEER, 80)).isEqualTo("pod 15003");
        assertThat(visit.differences(plan))
                .extracting(RuleDifference::toString)
                .containsExactly("misplaced in ipv4 nftables nat-output: type nat hook output priority -101 is after"
                        + " chain out of table inet kuma: type nat hook output priority -150");
        assertThatThrownBy(() -> visit.apply(Plans.redirect(IpFamily.values())))
                .isInstanceOf(RedirectException.class)
                .hasMessageContaining("chain out of table inet kuma");
    }

    @ParameterizedTest
    @ValueSource(strings = {"nft", "legacy", "nftables"})
    void withTproxyInboundConnectionsKeepTheirAddresses(String kind) throws IOException {
        serve(pod, 8080, 15021);
        Visit.to(backend(kind), pod.path()).apply(Plans.tproxy(IpFamily.values()));
        assertThat(connect(peer, 1000, POD, 8080)).as("while nobody listens").isEqualTo("timed out");

        try (TransparentServer proxy = TransparentServer.listen(pod, 15006)) {
            assertThat(connect(peer, 1000, POD, 8080)).isEqualTo("transparent " + POD + ":8080");
            assertThat(connect(peer, 1000, POD, 15021))
                    .as("excluded inbound port")
                    .isEqualTo("pod 15021");
            assertThat(proxy.accepted()).isEqualTo(1);
        }
    }

    private void redirectByAnotherMesh(String program) {
        String nat = program + " -t nat ";
        pod.shell(nat + "-N KUMA_MESH_OUTBOUND;" + nat + "-A KUMA_MESH_OUTBOUND -p tcp -j REDIRECT --to-ports 15003;"
                + nat + "-A OUTPUT -p tcp -m owner --uid-owner 1000 -j KUMA_MESH_OUTBOUND");
    }

    private static RedirectBackend backend(String kind) {
        return kind.equals("nftables") ? new NftBackend() : new IptablesBackend(kind, HostPaths.standard());
    }

    /** Servers on both families that say where they are and hang up. */
    private void serve(TestNetns where, int... ports) {
        String name = where == pod ? "pod" : "peer";
        for (int port : ports) {
            ServerSocket server = closed(NetworkNamespace.inside(where.path(), () -> listen(port)));
            Thread.ofVirtual().start(() -> answer(server, name + " " + port));
        }
    }

    private static ServerSocket listen(int port) {
        try {
            ServerSocket server = new ServerSocket();
            server.bind(new InetSocketAddress(InetAddress.ofLiteral("::"), port));
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void answer(ServerSocket server, String text) {
        try (server) {
            while (true) {
                try (Socket connection = server.accept()) {
                    connection.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
                }
            }
        } catch (IOException _) {
            // The test is over.
        }
    }

    /** What answers a connection of a user. */
    private static String connect(TestNetns from, int uid, String address, int port) {
        return from.shell("setpriv --reuid=" + uid + " --regid=" + uid + " --clear-groups timeout 2 bash -c"
                        + " 'exec 3<>/dev/tcp/" + address + "/" + port + " && cat <&3' || echo timed out")
                .strip();
    }

    private <T extends AutoCloseable> T closed(T resource) {
        open.add(resource);
        return resource;
    }
}
