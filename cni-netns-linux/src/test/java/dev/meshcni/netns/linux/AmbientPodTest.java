// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.netns.linux.RedirectBackendTest.Kind;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.redirect.testkit.RecordedAmbient;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleDifference;
import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Ambient pods that Istio's node agent has enrolled, and those that get their rules here, side by side. */
@NeedsRoot("makes network namespaces")
class AmbientPodTest {
    private static final Set<IpFamily> BOTH = EnumSet.allOf(IpFamily.class);
    private static final String ROUTING = "ip route replace local 0.0.0.0/0 dev lo table 100 scope host;"
            + "ip rule add fwmark 0x111/0xfff pref 32764 lookup 100;";
    private static final String ROUTING_IPV6 = "ip -6 route replace local ::/0 dev lo table 100;"
            + "ip -6 rule add fwmark 0x111/0xfff pref 32764 lookup 100;";

    @TempDir
    private Path directory;

    static Stream<Arguments> recordedByKind() {
        return RedirectBackendTest.kinds()
                .flatMap(kind -> Stream.of(RecordedAmbient.values()).map(recorded -> arguments(kind, recorded)));
    }

    static Stream<Arguments> recordedByKindOfIptables() {
        return recordedByKind().filter(arguments -> !isNft((Kind) arguments.get()[0]));
    }

    @ParameterizedTest
    @MethodSource("recordedByKindOfIptables")
    void whatTheKernelHoldsIsWhatItHoldsAfterIstio(Kind kind, RecordedAmbient recorded) {
        try (TestNetns ours = new TestNetns();
                TestNetns theirs = new TestNetns()) {
            enrolWithIptables(theirs, kind, recorded, BOTH);
            Visit.to(kind.make(), ours.path()).apply(recorded.plan(BOTH));

            assertThat(saved(ours, kind)).isEqualTo(saved(theirs, kind));
            assertThat(routing(ours)).isEqualTo(routing(theirs));
        }
    }

    @ParameterizedTest
    @MethodSource("recordedByKind")
    void aPodThatIstioEnrolledIsAsItShouldBe(Kind kind, RecordedAmbient recorded) {
        for (Set<IpFamily> families : List.of(EnumSet.of(IpFamily.IPV4), BOTH)) {
            RedirectPlan plan = recorded.plan(families);
            RedirectBackend backend = kind.make();
            try (TestNetns netns = new TestNetns()) {
                if (isNft(kind)) {
                    enrolWithNft(netns, recorded, families);
                } else {
                    enrolWithIptables(netns, kind, recorded, families);
                }
                assertThat(Visit.to(backend, netns.path()).differences(plan)).isEmpty();

                netns.shell("ip rule del pref 32764");
                assertThat(Visit.to(backend, netns.path()).differences(plan))
                        .extracting(RuleDifference::toString)
                        .contains("missing in ipv4 routing rules: fwmark 0x111/0xfff lookup 100");
            }
        }
    }

    /** Tables of nftables are found by every backend, whatever it would write itself. */
    @ParameterizedTest
    @MethodSource("dev.meshcni.netns.linux.RedirectBackendTest#kinds")
    void rulesOfIstioThatWereChangedAreNamedAndOursTakeTheirPlace(Kind kind) {
        RecordedAmbient recorded = RecordedAmbient.GUESTS;
        RedirectPlan plan = recorded.plan(BOTH);
        RedirectBackend backend = kind.make();
        try (TestNetns netns = new TestNetns()) {
            enrolWithNft(netns, recorded, BOTH);
            assertThat(Visit.to(backend, netns.path()).differences(plan)).isEmpty();
            assertThat(Visit.to(backend, netns.path()).differences(RedirectPlan.NONE))
                    .extracting(RuleDifference::toString)
                    .contains(
                            "unexpected in nftables: table inet istio-ambient-nat",
                            "unexpected in nftables: table inet istio-ambient-mangle");
            assertThat(Visit.to(backend, netns.path()).differences(recorded.plan(EnumSet.of(IpFamily.IPV4))))
                    .isNotEmpty();

            netns.shell("nft insert rule inet istio-ambient-nat istio-output ip6 daddr fd00::1 accept;"
                    + "nft add rule inet istio-ambient-mangle istio-prerouting meta mark 0x539 ct mark set 0x111;"
                    + "nft add chain inet istio-ambient-nat mine");
            assertThat(Visit.to(backend, netns.path()).differences(plan))
                    .extracting(RuleDifference::toString)
                    .contains("unexpected in ipv6 nat ISTIO_OUTPUT: -A ISTIO_OUTPUT -d fd00::1/128 -j ACCEPT")
                    .contains("unexpected in nftables istio-ambient-nat: chain mine")
                    .anyMatch(text -> text.startsWith("unexpected in ipv4 mangle ISTIO_PRERT: "));

            Visit.to(backend, netns.path()).apply(plan);
            assertThat(netns.shell("nft list tables 2>/dev/null")).doesNotContain("istio-ambient");
            assertThat(Visit.to(backend, netns.path()).differences(plan)).isEmpty();

            Visit.to(backend, netns.path()).remove();
            assertThat(routing(netns)).doesNotContain("0x111", "local default");
        }
    }

    /** Its local route stays, and leads nowhere. */
    @ParameterizedTest
    @MethodSource("dev.meshcni.netns.linux.RedirectBackendTest#kinds")
    void aLoopbackInterfaceThatIsDownIsADifferenceAndIsSetUp(Kind kind) {
        RedirectPlan plan = RecordedAmbient.DNS_CAPTURED.plan(BOTH);
        RedirectBackend backend = kind.make();
        try (TestNetns netns = new TestNetns()) {
            Visit.to(backend, netns.path()).apply(plan);

            netns.shell("ip link set lo down");

            assertThat(Visit.to(backend, netns.path()).differences(plan))
                    .extracting(RuleDifference::toString)
                    .contains("missing in interfaces: lo, up");
            Visit.to(backend, netns.path()).apply(plan);
            assertThat(Visit.to(backend, netns.path()).differences(plan)).isEmpty();
        }
    }

    @ParameterizedTest
    @MethodSource("dev.meshcni.netns.linux.RedirectBackendTest#kinds")
    void theTablesOfIstioComeBackWhenTheirReplacementFails(Kind kind) {
        RecordedAmbient recorded = RecordedAmbient.DNS_CAPTURED;
        RedirectBackend failing = kind.make(step -> {
            if (step.equals("the tables of Istio's node agent")) {
                throw new IllegalStateException("injected after " + step);
            }
        });
        try (TestNetns netns = new TestNetns()) {
            enrolWithNft(netns, recorded, BOTH);
            String before = netns.shell("nft list ruleset 2>/dev/null") + netns.state();

            assertThatThrownBy(() -> Visit.to(failing, netns.path()).apply(recorded.plan(BOTH)))
                    .isInstanceOf(RedirectException.class)
                    .hasMessageContaining("injected");

            assertThat(netns.shell("nft list ruleset 2>/dev/null") + netns.state())
                    .isEqualTo(before);
            assertThat(Visit.to(kind.make(), netns.path()).differences(recorded.plan(BOTH)))
                    .isEmpty();
        }
    }

    /** A table with the number 100 is what examples of transparent proxies use. */
    @ParameterizedTest
    @EnumSource
    void routesAndRulesOfOthersInTheSameTableStay(IpFamily family) {
        String ip = family == IpFamily.IPV4 ? "ip" : "ip -6";
        RedirectPlan plan = RecordedAmbient.DNS_CAPTURED.plan(BOTH);
        RedirectBackend backend = new Kind("nft").make();
        try (TestNetns netns = new TestNetns()) {
            netns.shell(ip + " rule add fwmark 1 lookup 100;" + ip + " route add local default dev lo table 100");
            String before = routing(netns);
            assertThat(Visit.to(backend, netns.path()).differences(RedirectPlan.NONE))
                    .isEmpty();

            Visit.to(backend, netns.path()).apply(plan);
            assertThat(Visit.to(backend, netns.path()).differences(plan)).isEmpty();
            Visit.to(backend, netns.path()).remove();

            assertThat(routing(netns)).isEqualTo(before);
        }
    }

    /** As in a cluster without IPv6: the kernel takes no route through a device that has none. */
    @ParameterizedTest
    @MethodSource("dev.meshcni.netns.linux.RedirectBackendTest#kinds")
    void whereLoopbackHasNoIpv6ItNeedsNoRoute(Kind kind) {
        RedirectPlan plan = RecordedAmbient.DNS_CAPTURED.plan(BOTH);
        try (TestNetns netns = new TestNetns()) {
            netns.shell("sysctl -qw net.ipv6.conf.all.disable_ipv6=1");
            Visit.to(kind.make(), netns.path()).apply(plan);

            assertThat(Visit.to(kind.make(), netns.path()).differences(plan)).isEmpty();
            assertThat(netns.shell("ip -6 rule")).contains("fwmark 0x111/0xfff lookup 100");
        }
    }

    private static boolean isNft(Kind kind) {
        return kind.name().equals("nftables");
    }

    private void enrolWithIptables(TestNetns netns, Kind kind, RecordedAmbient recorded, Set<IpFamily> families) {
        for (IpFamily family : families) {
            String tool = family == IpFamily.IPV4 ? "iptables-" : "ip6tables-";
            load(netns, tool + kind.variant() + "-restore --noflush <", recorded.iptables(family));
        }
        route(netns, families);
    }

    private void enrolWithNft(TestNetns netns, RecordedAmbient recorded, Set<IpFamily> families) {
        load(netns, "nft -f", recorded.nft(families.contains(IpFamily.IPV6)));
        route(netns, families);
    }

    private static void route(TestNetns netns, Set<IpFamily> families) {
        netns.shell(ROUTING + (families.contains(IpFamily.IPV6) ? ROUTING_IPV6 : ""));
    }

    private void load(TestNetns netns, String command, String input) {
        Path file = directory.resolve("rules");
        try {
            Files.writeString(file, input);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        netns.shell(command + " " + file);
    }

    /** The rules by chain, each with its options in alphabetical order. */
    private static List<String> saved(TestNetns netns, Kind kind) {
        return Stream.of("iptables-", "ip6tables-")
                .flatMap(tool -> saved(tool, netns.exec(tool + kind.variant() + "-save")))
                .toList();
    }

    private static Stream<String> saved(String tool, String text) {
        List<String> lines = new ArrayList<>();
        String table = "";
        for (String line : text.lines().toList()) {
            if (line.startsWith("*")) {
                table = line;
            } else if (line.startsWith("-A") || line.startsWith(":ISTIO")) {
                lines.add(tool + table + " " + sorted(line));
            }
        }
        return lines.stream().sorted(Comparator.comparing(AmbientPodTest::chain));
    }

    /** The program, the table and the chain of a line, which begins with them. */
    private static String chain(String line) {
        return Stream.of(line.split(" ")).limit(3).collect(Collectors.joining(" "));
    }

    private static String sorted(String line) {
        int rule = line.indexOf(' ', 3);
        if (line.startsWith(":") || rule < 0) {
            return line.replaceFirst(" .*", "");
        }
        // Istio names the protocol twice, also where no port follows.
        String[] words =
                line.substring(rule + 1).replaceFirst("-m (tcp|udp) ", "").split(" ");
        Arrays.sort(words);
        return line.substring(0, rule) + " " + String.join(" ", words);
    }

    private static String routing(TestNetns netns) {
        return netns.shell("ip rule; ip -6 rule; ip route show table 100 2>/dev/null;"
                + " ip -6 route show table 100 2>/dev/null; true");
    }
}
