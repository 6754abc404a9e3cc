// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient.host;

import static dev.meshcni.ambient.host.PlayedHost.BOTH;
import static dev.meshcni.ambient.host.PlayedHost.ONLY_IPV4;
import static dev.meshcni.ambient.host.PlayedHost.ip;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.core.spi.NetnsException;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.netns.linux.NetworkNamespace;
import dev.meshcni.testkit.NeedsRoot;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What holds in either way. */
@NeedsRoot("makes network namespaces")
class HostProbesTest {
    private static final Map<InetAddress, String> THREE =
            Map.of(ip("10.0.0.5"), "uid-a", ip("10.0.0.6"), "uid-b", ip("fd00::5"), "uid-a");

    private PlayedHost host;

    @BeforeEach
    void makeHost() {
        host = new PlayedHost();
    }

    @AfterEach
    void removeHost() {
        host.close();
    }

    @Test
    void theKernelDecidesTheWay() {
        try (HostProbes probes = HostProbes.detect(host.path(), BOTH)) {
            assertThat(probes.describe())
                    .isEqualTo("nftables by netlink, IPv4 from 169.254.7.127,"
                            + " IPv6 from fd16:9254:7127:1337:ffff:ffff:ffff:ffff");
        }
        assertThat(host.probes("legacy", ONLY_IPV4).describe())
                .matches("iptables-legacy [0-9.]+ and ip_set by netlink, IPv4 from 169\\.254\\.7\\.127");
        assertThat(host.shell("nft list ruleset; ipset list -n")).isEmpty();
    }

    @Test
    void aNamespaceThatIsNotThereIsNamed() {
        assertThatThrownBy(() -> HostProbes.detect(Path.of("/var/run/netns/none"), BOTH))
                .isInstanceOf(NetnsException.class)
                .hasMessageContaining("/var/run/netns/none does not exist");
    }

    @Test
    void withoutAPathTheHostIsTheNamespaceOfThisProcess() {
        NetworkNamespace.inside(host.path(), () -> {
            try (HostProbes probes = HostProbes.detect(HostProbes.OWN_NETNS, BOTH)) {
                probes.put(ip("10.0.0.5"), "uid-a");
            }
            return null;
        });

        assertThat(host.shell("nft list ruleset")).contains("10.0.0.5 comment \"uid-a\"");
    }

    @ParameterizedTest
    @ValueSource(strings = {"nft", "legacy"})
    void anEntryIsThePodsUntilAnotherOneHasTheAddress(String way) {
        HostProbes probes = host.probes(way, BOTH);
        assertThat(probes.entries()).isEmpty();
        for (InetAddress address : List.of(ip("10.0.0.5"), ip("fd00::5"))) {
            probes.put(address, "old");
            assertThat(probes.owner(address)).contains("old");

            probes.put(address, "new");
            probes.remove(address, "old");
            assertThat(probes.owner(address)).contains("new");

            probes.remove(address, "new");
            probes.remove(address, "new");
            assertThat(probes.owner(address)).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nft", "legacy"})
    void theFirstEntryMakesEverythingAroundIt(String way) {
        HostProbes probes = host.probes(way, BOTH);

        probes.put(ip("10.0.0.5"), "uid-a");
        probes.put(ip("fd00::5"), "uid-a");

        assertThat(probes.differences(Map.of(ip("10.0.0.5"), "uid-a", ip("fd00::5"), "uid-a")))
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"nft", "legacy"})
    void entriesThatDifferAreNamedAndRestored(String way) {
        HostProbes probes = host.probes(way, BOTH);
        probes.restore(Map.of(ip("10.0.0.5"), "uid-x", ip("10.0.0.9"), "uid-c", ip("fd00::5"), "uid-a"));

        assertThat(probes.differences(THREE))
                .containsExactly(
                        "entry 10.0.0.5 belongs to UID uid-x instead of uid-a",
                        "entry 10.0.0.6 of UID uid-b is missing",
                        "entry 10.0.0.9 of UID uid-c is not wanted");
        probes.restore(THREE);

        assertThat(probes.differences(THREE)).isEmpty();
        assertThat(probes.entries()).isEqualTo(THREE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"nft", "legacy"})
    void aThousandEntriesAreReplacedByAnotherThousand(String way) {
        HostProbes probes = host.probes(way, BOTH);
        Map<InetAddress, String> first = thousand("first");
        Map<InetAddress, String> second = thousand("second");
        second.remove(ip("10.1.0.7"));
        second.put(ip("10.2.0.1"), "another");

        probes.restore(first);
        assertThat(probes.entries()).isEqualTo(first);
        probes.restore(second);

        assertThat(probes.entries()).isEqualTo(second);
        assertThat(probes.differences(second)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"nft", "legacy"})
    void aFamilyThatIsOffIsLeftOutAndCleanedUp(String way) {
        host.probes(way, BOTH).restore(THREE);
        HostProbes probes = host.probes(way, ONLY_IPV4);

        assertThat(probes.covers(ip("fd00::5"))).isFalse();
        assertThat(probes.covers(ip("10.0.0.5"))).isTrue();
        assertThat(probes.differences(THREE)).singleElement().asString().contains("IPv6 is off");
        assertThatThrownBy(() -> probes.put(ip("fd00::5"), "uid-a"))
                .isInstanceOf(RedirectException.class)
                .hasMessage("no probes are exempt for fd00::5: IPv6 is off");
        probes.remove(ip("fd00::5"), "uid-a");
        probes.restore(THREE);

        assertThat(probes.differences(THREE)).isEmpty();
        assertThat(host.shell("nft list ruleset; ip6tables-legacy-save; ipset list"))
                .doesNotContain("fd16", "fd00", "probes-v6");
    }

    /** What nftables replaces is here the whole table, as its rule is gone. */
    @ParameterizedTest
    @ValueSource(strings = {"nft", "legacy"})
    void whatIsWantedBeforeAndAfterwardsIsThereAllTheTime(String way) throws InterruptedException {
        HostProbes probes = host.probes(way, BOTH);
        probes.restore(THREE);
        AtomicBoolean over = new AtomicBoolean();
        AtomicInteger complete = new AtomicInteger();
        List<Map<InetAddress, String>> incomplete = new CopyOnWriteArrayList<>();
        HostProbes reader = host.probes(way, BOTH);
        Thread reading = Thread.ofPlatform().start(() -> {
            while (!over.get()) {
                Map<InetAddress, String> entries = reader.entries();
                if (entries.entrySet().containsAll(THREE.entrySet())) {
                    complete.incrementAndGet();
                } else {
                    incomplete.add(entries);
                }
            }
        });
        for (int i = 0; i < 30; i++) {
            Map<InetAddress, String> wanted = new HashMap<>(THREE);
            wanted.put(ip("10.0.1." + i), "uid-" + i);
            if (way.equals("nft") && i % 2 == 0) {
                host.shell("nft flush chain ip istio-host-probes postrouting");
            }
            probes.restore(wanted);
        }
        over.set(true);
        reading.join();

        assertThat(incomplete).isEmpty();
        assertThat(complete).hasPositiveValue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"nft", "legacy"})
    void whatIsSoIsNotTouched(String way) {
        HostProbes probes = host.probes(way, BOTH);
        probes.restore(THREE);
        String before = host.shell("nft -a list ruleset; ipset list; iptables-legacy-save -c; ip6tables-legacy-save -c")
                .replaceAll("#.* on .*", "");

        host.probes(way, BOTH).restore(THREE);
        probes.put(ip("10.0.0.5"), "uid-a");

        assertThat(host.shell("nft -a list ruleset; ipset list; iptables-legacy-save -c; ip6tables-legacy-save -c")
                        .replaceAll("#.* on .*", ""))
                .isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(strings = {"nft", "legacy"})
    void whatOthersHaveStaysAsItIs(String way) {
        host.shell("""
                nft add table ip other
                nft 'add set ip other pods { type ipv4_addr; }'
                nft 'add element ip other pods { 10.0.0.5 comment "theirs" }'
                nft 'add chain ip other postrouting { type nat hook postrouting priority 99; }'
                nft 'add rule ip other postrouting ip daddr @pods masquerade'
                iptables-legacy -t nat -A POSTROUTING -d 10.9.0.0/16 -j MASQUERADE
                ipset create others hash:ip comment
                ipset add others 10.0.0.5 comment theirs
                """);
        String before = foreign();
        assertThat(before).contains("table ip other", "-d 10.9.0.0/16", "Name: others");
        HostProbes probes = host.probes(way, BOTH);

        probes.restore(THREE);
        probes.put(ip("10.0.0.5"), "uid-z");
        assertThat(foreign()).isNotEqualTo(before);
        probes.remove();

        assertThat(foreign()).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(strings = {"nft", "legacy"})
    void everythingIsTakenOutHoweverOften(String way) {
        HostProbes probes = host.probes(way, BOTH);
        probes.remove();
        probes.restore(THREE);

        probes.remove();
        probes.remove();

        assertThat(host.shell("nft list ruleset; ipset list -n")).isEmpty();
        assertThat(host.shell("iptables-legacy-save; ip6tables-legacy-save")).doesNotContain("ISTIO");
        assertThat(probes.entries()).isEmpty();
    }

    @Test
    void whatIsClosedDoesNotOpenAgain() {
        HostProbes probes = host.probes("nft", BOTH);
        probes.close();

        assertThatThrownBy(probes::entries)
                .isInstanceOf(RedirectException.class)
                .hasMessage("the exemption of probes has been closed");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a\0b"})
    void aUidThatCannotBeKeptIsRefused(String uid) {
        HostProbes probes = host.probes("nft", BOTH);

        assertThatThrownBy(() -> probes.put(ip("10.0.0.5"), uid)).isInstanceOf(RedirectException.class);
        assertThatThrownBy(() -> probes.restore(Map.of(ip("10.0.0.5"), uid + "x".repeat(128))))
                .isInstanceOf(RedirectException.class)
                .hasMessageStartingWith("a UID has 1 to 127 bytes");
        assertThat(host.shell("nft list ruleset")).isEmpty();
    }

    private String foreign() {
        return host.shell("nft list ruleset; iptables-legacy-save; ip6tables-legacy-save; ipset list")
                .replaceAll("(?m)^#.*|\\[[0-9]+:[0-9]+]|Size in memory.*", "")
                .replaceAll("(?m)^\\*nat\\n(:.* ACCEPT \\n)+COMMIT$", "")
                .replaceAll("\\s+", " ")
                .strip();
    }

    private static Map<InetAddress, String> thousand(String word) {
        Map<InetAddress, String> entries = new HashMap<>();
        for (int i = 0; i < 500; i++) {
            String uid = word + "-0d0ce5f1-6a3f-4c59-9a5e-" + String.format("%012d", i);
            entries.put(ip("10.1." + i / 250 + "." + i % 250), uid);
            entries.put(ip("fd00:1::" + Integer.toHexString(i + 1)), uid);
        }
        return entries;
    }
}
