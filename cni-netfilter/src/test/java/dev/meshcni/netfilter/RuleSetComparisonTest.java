// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netfilter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.rules.Chain;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.Match;
import dev.meshcni.rules.Rule;
import dev.meshcni.rules.RuleDifference;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.Table;
import dev.meshcni.rules.Target;
import dev.meshcni.rules.TransportProtocol;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RuleSetComparisonTest {
    private static final Match TCP = new Match.Protocol(TransportProtocol.TCP);
    private static final Rule EXEMPT =
            rule(new Target.Return(), new Match.InInterface(new InterfaceName("eth1"), false));
    private static final Rule JUMP = rule(new Target.Jump("ISTIO_INBOUND"), TCP);
    private static final Rule TUNNEL = rule(new Target.Return(), TCP, new Match.DestinationPort(15008, false));
    private static final Rule REDIRECT = rule(new Target.Redirect(15006), TCP);
    private static final RuleSet WANTED = new RuleSet(
            IpFamily.IPV4,
            Map.of(
                    Table.NAT,
                    List.of(
                            new Chain("PREROUTING", 1, List.of(EXEMPT, JUMP)),
                            new Chain("ISTIO_INBOUND", 0, List.of(TUNNEL, REDIRECT)))));

    private static final String PREROUTING = "-A PREROUTING -i eth1 -j RETURN\n-A PREROUTING -p tcp -j ISTIO_INBOUND\n";
    private static final String INBOUND = """
        -A ISTIO_INBOUND -p tcp -m tcp --dport 15008 -j RETURN
        -A ISTIO_INBOUND -p tcp -j REDIRECT --to-ports 15006
        """;

    @Test
    void theSameRulesDoNotDiffer() {
        assertThat(differences(PREROUTING + INBOUND)).isEmpty();
    }

    @Test
    void nothingThereIsAllMissing() {
        assertThat(RuleSetComparison.differences(WANTED, IptablesSave.empty()))
                .extracting(RuleDifference::toString)
                .containsExactly(
                        "missing in ipv4 nat: chain ISTIO_INBOUND",
                        "missing in ipv4 nat PREROUTING: -A PREROUTING -i eth1 -j RETURN",
                        "missing in ipv4 nat PREROUTING: -A PREROUTING -p tcp -j ISTIO_INBOUND");
    }

    @Test
    void aRuleThatIsGoneAndOneThatIsTooManyAreNamed() {
        assertThat(differences(PREROUTING
                        + "-A ISTIO_INBOUND -p tcp -j REDIRECT --to-ports 15006\n"
                        + "-A ISTIO_INBOUND -p icmp -j RETURN\n"))
                .containsExactly(
                        "missing in ipv4 nat ISTIO_INBOUND: -A ISTIO_INBOUND -p tcp --dport 15008 -j RETURN",
                        "unexpected in ipv4 nat ISTIO_INBOUND: -A ISTIO_INBOUND -p icmp -j RETURN");
    }

    @Test
    void anotherOrderIsMisplaced() {
        assertThat(differences(PREROUTING
                        + INBOUND.lines().toList().reversed().stream()
                                .map(line -> line + "\n")
                                .reduce("", String::concat)))
                .containsExactly(
                        "misplaced in ipv4 nat ISTIO_INBOUND: -A ISTIO_INBOUND -p tcp -j REDIRECT --to-ports 15006");
    }

    @Test
    void oursTwiceIsOnceUnexpected() {
        assertThat(differences(PREROUTING + "-A PREROUTING -p tcp -j ISTIO_INBOUND\n" + INBOUND))
                .containsExactly("unexpected in ipv4 nat PREROUTING: -A PREROUTING -p tcp -j ISTIO_INBOUND");
    }

    @Test
    void aRuleOfOthersIsNoDifferenceUnlessItDecidesBeforeOurs() {
        String jump = "-A PREROUTING -p tcp -j ISTIO_INBOUND\n";
        String exempt = "-A PREROUTING -i eth1 -j RETURN\n";
        assertThat(differences(exempt + "-A PREROUTING -d 10.0.0.1 -j OTHERS\n" + jump + INBOUND))
                .isEmpty();
        assertThat(differences(PREROUTING + "-A PREROUTING -j ACCEPT\n" + INBOUND))
                .isEmpty();
        assertThat(differences(exempt + "-A PREROUTING -d 10.0.0.1/32 -j ACCEPT\n" + jump + INBOUND))
                .containsExactly("misplaced in ipv4 nat PREROUTING: -A PREROUTING -p tcp -j ISTIO_INBOUND"
                        + " is after -d 10.0.0.1/32 -j ACCEPT");
    }

    @Test
    void aLeadingRuleStandsBeforeAllOthers() {
        assertThat(differences("-A PREROUTING -d 10.0.0.1/32 -j OTHERS\n" + PREROUTING + INBOUND))
                .containsExactly("misplaced in ipv4 nat PREROUTING: -A PREROUTING -i eth1 -j RETURN"
                        + " is after -d 10.0.0.1/32 -j OTHERS");
    }

    @Test
    void whatAnEarlierPlanLeftIsUnexpected() {
        RuleSet nothing = new RuleSet(IpFamily.IPV4, Map.of());

        assertThat(RuleSetComparison.differences(nothing, save(PREROUTING + INBOUND)))
                .extracting(RuleDifference::toString)
                .contains(
                        "unexpected in ipv4 nat: chain ISTIO_INBOUND",
                        "unexpected in ipv4 nat PREROUTING: -A PREROUTING -i eth1 -j RETURN",
                        "unexpected in ipv4 nat PREROUTING: -A PREROUTING -p tcp -j ISTIO_INBOUND");
    }

    @Test
    void aWayIntoOurChainsFromAChainOfOthersIsUnexpected() {
        assertThat(differences(PREROUTING + INBOUND + "-A OTHERS -j ISTIO_INBOUND\n"))
                .containsExactly("unexpected in ipv4 nat OTHERS: -A OTHERS -j ISTIO_INBOUND");
    }

    @ParameterizedTest
    @ValueSource(strings = {"PROXY_INIT_REDIRECT", "KUMA_MESH_INBOUND", "CONSUL_PROXY_INBOUND"})
    void anotherMeshInFrontOfOursDecidesFirst(String chain) {
        String exempt = "-A PREROUTING -i eth1 -j RETURN\n";
        String other = "-A PREROUTING -p tcp -j " + chain + "\n";
        String jump = "-A PREROUTING -p tcp -j ISTIO_INBOUND\n";

        assertThat(differences(exempt + other + jump + INBOUND))
                .containsExactly("misplaced in ipv4 nat PREROUTING: -A PREROUTING -p tcp -j ISTIO_INBOUND is after"
                        + " -p tcp -j " + chain);
        assertThat(differences(exempt + jump + other + INBOUND)).isEmpty();
    }

    /** Rules of TPROXY are known by their shape; others, such as a VPN's, use parts of marks in the same way. */
    @Test
    void aRuleForAPartOfAMarkIsNotTakenForOneOfTproxy() {
        RuleSet nothing = new RuleSet(IpFamily.IPV4, Map.of());
        String save = " --save-mark --nfmask 0xffffffff --ctmask 0xffffffff\n";
        String restore = " --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff\n";
        String rules = "*mangle\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
                + "-A PREROUTING -m mark --mark @ -j CONNMARK" + save
                + "-A OUTPUT -m connmark --mark @ -j CONNMARK" + restore
                + "COMMIT\n";

        assertThat(RuleSetComparison.differences(nothing, IptablesSave.parse(rules.replace("@", "0x1/0x1"))))
                .isEmpty();
        assertThat(RuleSetComparison.differences(nothing, IptablesSave.parse(rules.replace("@", "0x539"))))
                .hasSize(2);
    }

    private static List<String> differences(String rules) {
        return RuleSetComparison.differences(WANTED, save(rules)).stream()
                .map(RuleDifference::toString)
                .toList();
    }

    private static IptablesSave save(String rules) {
        return IptablesSave.parse(
                "*nat\n:PREROUTING ACCEPT [0:0]\n:ISTIO_INBOUND - [0:0]\n:OTHERS - [0:0]\n" + rules + "COMMIT\n");
    }

    private static Rule rule(Target target, Match... matches) {
        return new Rule(List.of(matches), target, "");
    }
}
