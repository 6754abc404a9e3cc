// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient.host;

import static dev.meshcni.ambient.host.PlayedHost.BOTH;
import static dev.meshcni.ambient.host.PlayedHost.address;
import static dev.meshcni.ambient.host.PlayedHost.gateway;
import static dev.meshcni.ambient.host.PlayedHost.ip;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.rules.IpFamily;
import dev.meshcni.testkit.NeedsRoot;
import java.net.InetAddress;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which source address pods see: a pod in the set, one that is not, and a client behind the host. */
@NeedsRoot("makes network namespaces")
class ProbeTrafficTest {
    private static final int ENROLLED = 1;
    private static final int OTHER = 2;
    private static final int CLIENT = 3;
    private static final Map<InetAddress, String> WANTED =
            Map.of(ip(address(IpFamily.IPV4, ENROLLED)), "uid-a", ip(address(IpFamily.IPV6, ENROLLED)), "uid-a");

    /** What Istio's node agent has with nftables, for a kubelet of root. */
    private static final String ISTIO = """
            nft add table inet istio-ambient-nat
            nft 'add set inet istio-ambient-nat istio-inpod-probes-v4 { type ipv4_addr; }'
            nft 'add set inet istio-ambient-nat istio-inpod-probes-v6 { type ipv6_addr; }'
            nft 'add chain inet istio-ambient-nat postrouting { type nat hook postrouting priority 100 ; }'
            nft add rule inet istio-ambient-nat postrouting meta l4proto tcp skuid 0 \
              ip daddr @istio-inpod-probes-v4 counter snat to 169.254.7.127
            nft add rule inet istio-ambient-nat postrouting meta l4proto tcp skuid 0 \
              ip6 daddr @istio-inpod-probes-v6 counter snat to fd16:9254:7127:1337:ffff:ffff:ffff:ffff
            nft add element inet istio-ambient-nat istio-inpod-probes-v4 { 10.77.1.2 }
            nft add element inet istio-ambient-nat istio-inpod-probes-v6 { fd77:1::2 }
            """;

    private PlayedHost host;

    @BeforeEach
    void makeHost() {
        host = new PlayedHost();
        host.neighbour(ENROLLED);
        host.neighbour(OTHER);
        host.neighbour(CLIENT);
    }

    @AfterEach
    void removeHost() {
        host.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"nft", "legacy"})
    void onlyProcessesOfTheHostAreExemptAndOnlyToEnrolledPods(String way) {
        assertNothingIsExempt();
        HostProbes probes = host.probes(way, BOTH);

        probes.restore(WANTED);
        assertProbesAreExempt();
        probes.restore(WANTED);
        assertProbesAreExempt();

        probes.remove(ip(address(IpFamily.IPV4, ENROLLED)), "uid-a");
        probes.remove(ip(address(IpFamily.IPV6, ENROLLED)), "uid-a");
        assertNothingIsExempt();
        probes.restore(WANTED);
        probes.remove();
        assertNothingIsExempt();
    }

    @Test
    void theEffectIsThatOfIstiosNodeAgent() {
        host.shell(ISTIO);

        assertProbesAreExempt();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void bothMayStandAtOnce(boolean istioFirst) {
        HostProbes probes = host.probes("nft", BOTH);
        if (istioFirst) {
            host.shell(ISTIO);
        }
        probes.restore(WANTED);
        if (!istioFirst) {
            host.shell(ISTIO);
        }

        assertProbesAreExempt();
        probes.remove();
        assertProbesAreExempt();
    }

    @Test
    void bothWaysMayStandAtOnce() {
        host.probes("legacy", BOTH).restore(WANTED);
        host.probes("nft", BOTH).restore(WANTED);

        assertProbesAreExempt();
    }

    /** Of two chains with the same priority the kernel enters the one first that was made last. */
    @ParameterizedTest
    @ValueSource(strings = {"iptables-nft", "iptables-legacy"})
    void masqueradingByOthersComesAfterwards(String program) {
        host.probes("nft", BOTH).restore(WANTED);

        host.shell(program + " -t nat -A POSTROUTING -j MASQUERADE; ip6" + program.substring(2)
                + " -t nat -A POSTROUTING -j MASQUERADE");

        for (IpFamily family : IpFamily.values()) {
            assertThat(host.seenFromHost(family, ENROLLED)).isEqualTo(exempt(family));
            assertThat(host.seenFromNeighbour(CLIENT, family, ENROLLED)).isEqualTo(gateway(family, ENROLLED));
        }
    }

    private void assertProbesAreExempt() {
        for (IpFamily family : IpFamily.values()) {
            assertThat(host.seenFromHost(family, ENROLLED))
                    .as("host to the enrolled pod")
                    .isEqualTo(exempt(family));
            assertThat(host.seenFromHost(family, OTHER))
                    .as("host to the other pod")
                    .isEqualTo(gateway(family, OTHER));
            assertThat(host.seenFromNeighbour(CLIENT, family, ENROLLED))
                    .as("forwarded to the enrolled pod")
                    .isEqualTo(address(family, CLIENT));
        }
    }

    private void assertNothingIsExempt() {
        for (IpFamily family : IpFamily.values()) {
            assertThat(host.seenFromHost(family, ENROLLED)).isEqualTo(gateway(family, ENROLLED));
        }
    }

    private static String exempt(IpFamily family) {
        return BOTH.get(family).toString().replaceFirst("/.*", "");
    }
}
