// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient.host;

import static dev.meshcni.ambient.host.PlayedHost.BOTH;
import static dev.meshcni.ambient.host.PlayedHost.ip;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.testkit.NeedsRoot;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@NeedsRoot("makes network namespaces")
class NftExemptionsTest {
    private static final String UID = "0d0ce5f1-6a3f-4c59-9a5e-000000000001";
    private static final Map<InetAddress, String> WANTED = Map.of(ip("10.0.0.5"), UID, ip("fd00::5"), UID);

    private PlayedHost host;
    private HostProbes probes;

    @BeforeEach
    void makeHost() {
        host = new PlayedHost();
        probes = host.probes("nft", BOTH);
    }

    @AfterEach
    void removeHost() {
        host.close();
    }

    @Test
    void nftPrintsTheTablesWithTheirComments() {
        probes.restore(WANTED);

        assertThat(host.shell("nft list ruleset")).isEqualTo("""
                table ip istio-host-probes {
                \tset pods {
                \t\ttype ipv4_addr
                \t\telements = { 10.0.0.5 comment "0d0ce5f1-6a3f-4c59-9a5e-000000000001" }
                \t}

                \tchain postrouting {
                \t\ttype nat hook postrouting priority srcnat - 1; policy accept;
                \t\tmeta l4proto tcp meta skuid != 4294967295 ip daddr @pods counter packets 0 bytes 0 \
                snat to 169.254.7.127
                \t}
                }
                table ip6 istio-host-probes {
                \tset pods {
                \t\ttype ipv6_addr
                \t\telements = { fd00::5 comment "0d0ce5f1-6a3f-4c59-9a5e-000000000001" }
                \t}

                \tchain postrouting {
                \t\ttype nat hook postrouting priority srcnat - 1; policy accept;
                \t\tmeta l4proto tcp meta skuid != 4294967295 ip6 daddr @pods counter packets 0 bytes 0 \
                snat to fd16:9254:7127:1337:ffff:ffff:ffff:ffff
                \t}
                }
                """);
    }

    /** What {@code nft} has made of the same text is the same to us. */
    @Test
    void tablesThatNftHasLoadedAreOurs() {
        probes.restore(WANTED);
        host.shell("nft list ruleset > /tmp/$$.nft; nft flush ruleset; nft -f /tmp/$$.nft; rm /tmp/$$.nft");

        assertThat(probes.differences(WANTED)).isEmpty();
        assertThat(probes.entries()).isEqualTo(WANTED);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            flush set ip istio-host-probes pods       | entry 10.0.0.5 of UID UID is missing
            delete table ip istio-host-probes         | the table ip istio-host-probes is missing
            flush ruleset                             | the table ip6 istio-host-probes is missing
            flush chain ip istio-host-probes postrouting  | the rule of IPv4 is missing
            flush chain ip6 istio-host-probes postrouting | the rule of IPv6 is missing
            add table ip6 istio-host-probes { flags dormant; } | the table ip6 istio-host-probes has flags: 1
            insert rule ip istio-host-probes postrouting accept | the table ip istio-host-probes has a rule of \
            somebody else in chain postrouting
            delete element ip6 istio-host-probes pods { fd00::5 } | entry fd00::5 of UID UID is missing
            add element ip istio-host-probes pods { 10.0.0.7 } | entry 10.0.0.7 of UID  is not wanted
            """)
    void whatOthersDoToItIsNamedAndRestored(String command, String difference) {
        probes.restore(WANTED);
        host.shell("nft '" + command + "'");

        assertThat(probes.differences(WANTED)).contains(difference.replace("UID UID", "UID " + UID));
        probes.restore(WANTED);

        assertThat(probes.differences(WANTED)).isEmpty();
        assertThat(probes.entries()).isEqualTo(WANTED);
    }

    @Test
    void aTableThatIsBuiltOtherwiseIsReplaced() {
        host.shell("""
                nft add table ip istio-host-probes
                nft 'add set ip istio-host-probes pods { type inet_service; elements = { 80 } }'
                nft 'add chain ip istio-host-probes postrouting { type nat hook postrouting priority 100; }'
                """);

        assertThat(probes.differences(Map.of()))
                .contains(
                        "the set pods of the table ip istio-host-probes is missing, or of another type",
                        "the chain postrouting of the table ip istio-host-probes is not at hook postrouting, priority"
                                + " 99",
                        "the rule of IPv4 is missing");
        probes.restore(WANTED);

        assertThat(probes.differences(WANTED)).isEmpty();
    }

    @Test
    void anEntryThatIsPutIntoABrokenTableMendsItAndKeepsTheOthers() {
        probes.restore(WANTED);
        host.shell("nft flush chain ip istio-host-probes postrouting");

        probes.put(ip("10.0.0.6"), "uid-b");

        Map<InetAddress, String> three = new HashMap<>(WANTED);
        three.put(ip("10.0.0.6"), "uid-b");
        assertThat(probes.differences(three)).isEmpty();
    }

    /** The kernel refuses the third entry of a set for two, which is the last change of a transaction of three. */
    @Test
    void aTransactionThatFailsChangesNothing() {
        probes.restore(WANTED);
        host.shell("""
                nft flush chain ip istio-host-probes postrouting
                nft delete set ip istio-host-probes pods
                nft 'add set ip istio-host-probes pods { type ipv4_addr; size 2; elements = { 10.0.0.5 comment "x" } }'
                nft add rule ip istio-host-probes postrouting meta l4proto tcp meta skuid != 4294967295 \
                ip daddr @pods counter snat to 169.254.7.127
                """);
        String before = host.shell("nft -a list ruleset");
        Map<InetAddress, String> many = new HashMap<>(WANTED);
        many.put(ip("10.0.0.6"), UID);
        many.put(ip("10.0.0.7"), UID);
        many.put(ip("fd00::6"), UID);

        assertThatThrownBy(() -> probes.restore(many))
                .isInstanceOf(RedirectException.class)
                .hasMessage("adding entries to the table ip istio-host-probes: Too many open files in system");

        assertThat(host.shell("nft -a list ruleset")).isEqualTo(before);
    }

    @Test
    void changesSucceedWhileOthersChangeTablesToo() throws InterruptedException {
        probes.restore(WANTED);
        AtomicBoolean over = new AtomicBoolean();
        Thread other = Thread.ofPlatform().start(() -> {
            while (!over.get()) {
                host.shell("nft 'add table ip other; delete table ip other'");
            }
        });
        try {
            for (int i = 0; i < 200; i++) {
                probes.put(ip("10.0.1." + i), "uid-" + i);
                assertThat(probes.owner(ip("10.0.1." + i))).contains("uid-" + i);
            }
        } finally {
            over.set(true);
            other.join();
        }
    }

    @Test
    void whatIstiosNodeAgentHasLeftIsNamedAndStays() {
        assertThat(probes.others()).isEmpty();
        host.shell("""
                nft add table inet istio-ambient-nat
                nft 'add set inet istio-ambient-nat istio-inpod-probes-v4 { type ipv4_addr; }'
                nft 'add chain inet istio-ambient-nat postrouting { type nat hook postrouting priority 100; }'
                ipset create istio-inpod-probes-v6 hash:ip family inet6 comment
                iptables-nft -t nat -N ISTIO_POSTRT
                """);
        String before = host.shell("nft -a list ruleset; ipset list");

        assertThat(probes.others())
                .isEqualTo(List.of(
                        "probes are exempt by Istio's node agent too: table inet istio-ambient-nat",
                        "probes are exempt by Istio's node agent too: chain ISTIO_POSTRT in the table nat of IPv4",
                        "probes are exempt by Istio's node agent too: ipset istio-inpod-probes-v6"));
        probes.restore(WANTED);
        assertThat(probes.differences(WANTED)).isEmpty();
        probes.remove();

        assertThat(host.shell("nft -a list ruleset; ipset list")).isEqualTo(before);
    }
}
