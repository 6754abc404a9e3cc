// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netfilter;

import static org.assertj.core.api.Assertions.assertThat;

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
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class IptablesRendererTest {
    private static final Match TCP = new Match.Protocol(TransportProtocol.TCP);

    @Test
    void matchesAreWrittenAsTheKernelPrintsThem() {
        assertThat(text(
                        new Target.Jump("ISTIO_IN_REDIRECT"),
                        new Match.UidOwner(1337, false),
                        new Match.DestinationPort(15008, true),
                        TCP,
                        new Match.OutInterface(InterfaceName.LOOPBACK, false),
                        new Match.Destination(Cidr.parse("127.0.0.1"), true)))
                .isEqualTo("! -d 127.0.0.1/32 -o lo -p tcp ! --dport 15008 -m owner --uid-owner 1337"
                        + " -j ISTIO_IN_REDIRECT");
    }

    @Test
    void everyExtensionNamesItsModule() {
        assertThat(text(
                        new Target.Return(),
                        TCP,
                        new Match.DestinationPorts(List.of(53, 15008), true),
                        new Match.GidOwner(7, true),
                        new Match.ConnState(Set.of(ConnectionState.RELATED, ConnectionState.ESTABLISHED)),
                        new Match.PacketMark(1338, true),
                        new Match.ConnectionMark(1337, false)))
                .isEqualTo("-p tcp -m multiport ! --dports 53,15008 -m owner ! --gid-owner 7"
                        + " -m conntrack --ctstate ESTABLISHED,RELATED -m mark ! --mark 0x53a"
                        + " -m connmark --mark 0x539 -j RETURN");
    }

    @Test
    void aPartOfAMarkIsWrittenWithItsMask() {
        Mark part = new Mark(0x539, 0xfff);

        assertThat(text(new Target.SetConnectionMark(new Mark(0x111, 0xfff)), new Match.PacketMark(part, true)))
                .isEqualTo("-m mark ! --mark 0x539/0xfff -j CONNMARK --set-xmark 0x111/0xfff");
        assertThat(text(new Target.SetConnectionMark(Mark.whole(1)), new Match.ConnectionMark(part, false)))
                .isEqualTo("-m connmark --mark 0x539/0xfff -j CONNMARK --set-xmark 0x1/0xffffffff");
    }

    @Test
    void targetsCarryTheirOptions() {
        assertThat(text(new Target.Redirect(15001))).isEqualTo("-j REDIRECT --to-ports 15001");
        assertThat(text(new Target.Tproxy(15006, 1337)))
                .isEqualTo("-j TPROXY --on-port 15006 --tproxy-mark 0x539/0xffffffff");
        assertThat(text(new Target.SetMark(-1))).isEqualTo("-j MARK --set-xmark 0xffffffff/0xffffffff");
        assertThat(text(new Target.SaveMark()))
                .isEqualTo("-j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff");
        assertThat(text(new Target.CtZone(2))).isEqualTo("-j CT --zone 2");
        assertThat(text(new Target.Drop())).isEqualTo("-j DROP");
    }

    @Test
    void leadingRulesGoBeforeThoseOfOthersAndTheRestBehind() {
        Rule first = new Rule(List.of(), new Target.Return(), "");
        Rule last = new Rule(List.of(), new Target.Jump("ISTIO_INBOUND"), "");
        RuleSet rules = new RuleSet(
                IpFamily.IPV4,
                Map.of(
                        Table.NAT,
                        List.of(
                                new Chain("PREROUTING", 1, List.of(first, last)),
                                new Chain("ISTIO_INBOUND", 0, List.of()))));

        assertThat(IptablesRenderer.render(rules)).isEqualTo("""
                        *nat
                        :ISTIO_INBOUND - [0:0]
                        -I PREROUTING 1 -j RETURN
                        -A PREROUTING -j ISTIO_INBOUND
                        COMMIT
                        """);
    }

    private static String text(Target target, Match... matches) {
        return IptablesRenderer.rule(new Rule(List.of(matches), target, ""));
    }
}
