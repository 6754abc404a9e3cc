// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netfilter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.netfilter.NftTable.NftRule;
import dev.meshcni.rules.Chain;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.ConnectionState;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.Mark;
import dev.meshcni.rules.Match;
import dev.meshcni.rules.Rule;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.Table;
import dev.meshcni.rules.Target;
import dev.meshcni.rules.TransportProtocol;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class NftRendererTest {
    private static final Match TCP = new Match.Protocol(TransportProtocol.TCP);
    private static final Match UDP = new Match.Protocol(TransportProtocol.UDP);
    private static final Target RETURN = new Target.Return();

    @Test
    void aTableIsReplacedInOneTransaction() {
        RuleSet rules = new RuleSet(
                IpFamily.IPV4,
                Map.of(
                        Table.NAT,
                        List.of(
                                new Chain("OUTPUT", 0, List.of(rule(new Target.Jump("ISTIO_OUTPUT"), TCP))),
                                new Chain("ISTIO_OUTPUT", 0, List.of(rule(new Target.Redirect(15001), TCP))))));

        assertThat(NftRenderer.script(rules)).isEqualTo("""
                        add table ip istio-proxy
                        delete table ip istio-proxy
                        table ip istio-proxy {
                        \tchain nat-output {
                        \t\ttype nat hook output priority -101; policy accept;
                        \t\tmeta l4proto tcp counter jump nat-istio-output
                        \t}
                        \tchain nat-istio-output {
                        \t\tmeta l4proto tcp counter redirect to :15001
                        \t}
                        }
                        """);
    }

    @Test
    void manyExcludedPortsAndBlocksAreAHandfulOfRules() {
        List<Rule> rules = new ArrayList<>();
        for (int port = 0; port < 1_000; port += 2) {
            rules.add(rule(RETURN, TCP, port(port)));
            rules.add(rule(RETURN, UDP, port(port)));
        }
        for (int block = 0; block < 500; block++) {
            rules.add(rule(RETURN, to("10." + block / 250 + "." + block % 250 + ".0/25")));
        }

        List<NftRule> rendered = rendered(IpFamily.IPV4, Table.NAT, rules);

        assertThat(rendered).hasSize(3).allMatch(rule -> rule.action().equals("return"));
        assertThat(rendered.get(0).matches()).startsWith("tcp dport { 0, 2, 4,");
        assertThat(rendered.get(1).matches()).startsWith("udp dport { 0, 2, 4,");
        assertThat(rendered.get(2).matches()).startsWith("ip daddr { 10.0.0.0/25, 10.0.1.0/25,");
    }

    @Test
    void neighboursInASetAreOneElement() {
        assertThat(texts(
                        IpFamily.IPV6,
                        rule(RETURN, to("2001:db8::/33")),
                        rule(RETURN, to("2001:db8:8000::/33")),
                        rule(RETURN, to("2001:db8::1/128"))))
                .containsExactly("ip6 daddr 2001:db8:0:0:0:0:0:0/32 return");
        assertThat(texts(IpFamily.IPV4, rule(RETURN, TCP, port(2)), rule(RETURN, TCP, port(1))))
                .containsExactly("tcp dport 1-2 return");
    }

    @Test
    void rulesForTheSamePortKeepTheirOrder() {
        Target first = new Target.Jump("ISTIO_DIVERT");
        Target second = new Target.Jump("ISTIO_TPROXY");
        assertThat(texts(
                        IpFamily.IPV4,
                        rule(first, TCP, port(1)),
                        rule(second, TCP, port(1)),
                        rule(first, TCP, port(9)),
                        rule(second, TCP, port(9))))
                .containsExactly(
                        "tcp dport { 1, 9 } jump mangle-istio-divert", "tcp dport { 1, 9 } jump mangle-istio-tproxy");
        assertThat(texts(
                        IpFamily.IPV4,
                        rule(first, TCP, port(1)),
                        rule(second, TCP, port(1)),
                        rule(second, TCP, port(9)),
                        rule(first, TCP, port(9))))
                .containsExactly(
                        "tcp dport 1 jump mangle-istio-divert",
                        "tcp dport { 1, 9 } jump mangle-istio-tproxy",
                        "tcp dport 9 jump mangle-istio-divert");
    }

    @Test
    void blocksAreJoinedOnlyWithNeighboursThatDoTheSame() {
        assertThat(texts(
                        IpFamily.IPV4,
                        rule(RETURN, to("10.0.0.0/8")),
                        rule(new Target.Accept(), to("10.1.0.0/16")),
                        rule(RETURN, to("11.0.0.0/8"))))
                .containsExactly(
                        "ip daddr 10.0.0.0/8 return", "ip daddr 10.1.0.0/16 accept", "ip daddr 11.0.0.0/8 return");
        assertThat(texts(
                        IpFamily.IPV4,
                        rule(new Target.SetMark(1), to("10.0.0.0/8")),
                        rule(new Target.SetMark(1), to("12.0.0.0/8"))))
                .hasSize(2);
    }

    @Test
    void whereNobodyListensTproxyDropsThePacketAsThatOfIptablesDoes() {
        assertThat(texts(IpFamily.IPV4, rule(new Target.Tproxy(15006, 1337), TCP)))
                .containsExactly(
                        "meta l4proto tcp tproxy to :15006 meta mark set 0x539 accept", "meta l4proto tcp drop");
    }

    @Test
    void everyMatchAndTargetHasItsWords() {
        assertThat(texts(
                        IpFamily.IPV4,
                        rule(
                                new Target.SaveMark(),
                                UDP,
                                new Match.Source(Cidr.parse("10.0.0.0/8"), true),
                                new Match.InInterface(new InterfaceName("eth0"), true),
                                new Match.OutInterface(InterfaceName.LOOPBACK, false),
                                new Match.SourcePort(53, false),
                                new Match.DestinationPorts(List.of(53, 15008), true),
                                new Match.UidOwner(1, true),
                                new Match.GidOwner(2, false),
                                new Match.ConnState(Set.of(ConnectionState.RELATED, ConnectionState.ESTABLISHED)),
                                new Match.PacketMark(-1, true),
                                new Match.ConnectionMark(1337, false)),
                        rule(new Target.RestoreMark()),
                        rule(new Target.CtZone(2)),
                        rule(new Target.Drop())))
                .containsExactly(
                        "ip saddr != 10.0.0.0/8 iifname != \"eth0\" oifname \"lo\" udp sport 53"
                                + " udp dport != { 53, 15008 } meta skuid != 1 meta skgid 2"
                                + " ct state established,related meta mark != 0xffffffff ct mark 0x539"
                                + " ct mark set meta mark",
                        "meta mark set ct mark",
                        "ct zone set 2",
                        "drop");
    }

    @Test
    void aPartOfAMarkLeavesTheOtherBitsAsTheyAre() {
        Mark part = new Mark(0x111, 0xfff);

        assertThat(texts(
                        IpFamily.IPV6,
                        rule(new Target.SetConnectionMark(part), new Match.PacketMark(new Mark(0x539, 0xfff), false)),
                        rule(new Target.RestoreMark(), new Match.ConnectionMark(part, true)),
                        rule(new Target.SetConnectionMark(new Mark(0, 0xff))),
                        rule(new Target.SetConnectionMark(Mark.whole(7)))))
                .containsExactly(
                        "meta mark & 0xfff == 0x539 ct mark set ct mark & 0xfffff000 | 0x111",
                        "ct mark & 0xfff != 0x111 meta mark set ct mark",
                        "ct mark set ct mark & 0xffffff00",
                        "ct mark set 0x7");
    }

    private static List<String> texts(IpFamily family, Rule... rules) {
        return rendered(family, Table.MANGLE, List.of(rules)).stream()
                .map(NftRule::toString)
                .toList();
    }

    private static List<NftRule> rendered(IpFamily family, Table table, List<Rule> rules) {
        return NftRenderer.table(new RuleSet(family, Map.of(table, List.of(new Chain("ISTIO_TEST", 0, rules)))))
                .chains()
                .getFirst()
                .rules();
    }

    private static Match port(int port) {
        return new Match.DestinationPort(port, false);
    }

    private static Match to(String block) {
        return new Match.Destination(Cidr.parse(block), false);
    }

    private static Rule rule(Target target, Match... matches) {
        return new Rule(List.of(matches), target, "");
    }
}
