// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netfilter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.rules.Chain;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.Mark;
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

class NftTableComparisonTest {
    private static final Match TCP = new Match.Protocol(TransportProtocol.TCP);
    private static final RuleSet WANTED = new RuleSet(
            IpFamily.IPV4,
            Map.of(
                    Table.NAT,
                    List.of(
                            new Chain("OUTPUT", 0, List.of(rule(new Target.Jump("ISTIO_OUTPUT"), TCP))),
                            new Chain(
                                    "ISTIO_OUTPUT",
                                    0,
                                    List.of(
                                            rule(new Target.Return(), TCP, new Match.DestinationPort(5, false)),
                                            rule(new Target.Return(), TCP, new Match.DestinationPort(7, false)),
                                            rule(new Target.Redirect(15001), TCP))))));

    private static final String TABLE = """
            {"table": {"family": "ip", "name": "istio-proxy", "handle": 1}}""";
    private static final String OUTPUT = """
            {"chain": {"family": "ip", "table": "istio-proxy", "name": "nat-output", "handle": 2, "type": "nat",
                       "hook": "output", "prio": -101, "policy": "accept"}}""";
    private static final String ISTIO_OUTPUT = """
            {"chain": {"family": "ip", "table": "istio-proxy", "name": "nat-istio-output", "handle": 3}}""";
    private static final String JUMP = rule("nat-output", """
            {"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "tcp"}},
            {"counter": {"packets": 7, "bytes": 420}}, {"jump": {"target": "nat-istio-output"}}""");
    private static final String EXCLUDED = rule("nat-istio-output", """
            {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}},
                       "right": {"set": [7, 5]}}}, {"return": null}""");
    private static final String REDIRECT = rule("nat-istio-output", """
            {"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "tcp"}},
            {"redirect": {"port": 15001}}""");

    @Test
    void theSameRulesDoNotDifferWhateverTheOrderOfSetsAndTheCounters() {
        assertThat(differences(TABLE, OUTPUT, ISTIO_OUTPUT, JUMP, EXCLUDED, REDIRECT))
                .isEmpty();
    }

    @Test
    void noTableIsMissingAsAWhole() {
        assertThat(differences()).containsExactly("missing in ipv4 nftables: table ip istio-proxy");
        assertThat(differences(TABLE.replace("\"ip\"", "\"ip6\""), OUTPUT.replace("istio-proxy", "others")))
                .containsExactly("missing in ipv4 nftables: table ip istio-proxy");
    }

    @Test
    void aTableThatNoPlanWantsIsUnexpected() {
        RuleSet nothing = new RuleSet(IpFamily.IPV4, Map.of());

        assertThat(NftTableComparison.differences(nothing, NftListing.parse(IpFamily.IPV4, listing(TABLE))))
                .extracting(RuleDifference::toString)
                .containsExactly("unexpected in ipv4 nftables: table ip istio-proxy");
    }

    @Test
    void aChangedSetIsNamedWithBothOfItsContents() {
        assertThat(differences(TABLE, OUTPUT, ISTIO_OUTPUT, JUMP, EXCLUDED.replace("[7, 5]", "[7, 6]"), REDIRECT))
                .containsExactly(
                        "missing in ipv4 nftables nat-istio-output: tcp dport { 5, 7 } return",
                        "unexpected in ipv4 nftables nat-istio-output: tcp dport 6-7 return");
    }

    @Test
    void anotherHookOrPolicyIsADifference() {
        assertThat(differences(TABLE, OUTPUT.replace("-101", "100"), ISTIO_OUTPUT, JUMP, EXCLUDED, REDIRECT))
                .containsExactly("missing in ipv4 nftables nat-output: type nat hook output priority -101");
        assertThat(differences(TABLE, OUTPUT.replace("accept", "drop"), ISTIO_OUTPUT, JUMP, EXCLUDED, REDIRECT))
                .hasSize(1);
    }

    /** As nft 1.0.6 prints them: among the bits that are kept it counts those that are set. */
    @Test
    void partsOfMarksAreReadAsTheyAreWritten() {
        RuleSet wanted = new RuleSet(
                IpFamily.IPV4,
                Map.of(
                        Table.NAT,
                        List.of(new Chain(
                                "ISTIO_OUTPUT",
                                0,
                                List.of(
                                        rule(
                                                new Target.SetConnectionMark(new Mark(0x111, 0xfff)),
                                                new Match.PacketMark(new Mark(0x539, 0xfff), true)),
                                        rule(new Target.SetConnectionMark(new Mark(0, 0xff))),
                                        rule(new Target.SetConnectionMark(new Mark(0xff, 0xff))))))));
        String set = rule("nat-istio-output", """
                {"match": {"op": "!=", "left": {"&": [{"meta": {"key": "mark"}}, 4095]}, "right": 1337}},
                {"mangle": {"key": {"ct": {"key": "mark"}},
                            "value": {"|": [{"&": [{"ct": {"key": "mark"}}, 4294963473]}, 273]}}}""");
        String cleared = rule("nat-istio-output", """
                {"mangle": {"key": {"ct": {"key": "mark"}}, "value": {"&": [{"ct": {"key": "mark"}}, 4294967040]}}}""");
        String filled = rule("nat-istio-output", """
                {"mangle": {"key": {"ct": {"key": "mark"}}, "value": {"|": [{"ct": {"key": "mark"}}, 255]}}}""");
        String listing = listing(TABLE, ISTIO_OUTPUT, set, cleared, filled);

        assertThat(NftTableComparison.differences(wanted, NftListing.parse(IpFamily.IPV4, listing)))
                .isEmpty();
        assertThat(NftTableComparison.differences(
                        wanted, NftListing.parse(IpFamily.IPV4, listing.replace("4095", "255"))))
                .hasSize(2);
    }

    @Test
    void anExpressionThatIsNeverOursEqualsNothing() {
        String limit = rule("nat-istio-output", "{\"limit\": {\"rate\": 5, \"per\": \"second\"}}, {\"accept\": null}");

        assertThat(differences(TABLE, OUTPUT, ISTIO_OUTPUT, JUMP, EXCLUDED, REDIRECT, limit))
                .singleElement()
                .asString()
                .startsWith("unexpected in ipv4 nftables nat-istio-output: {\"limit\"");
    }

    @Test
    void aStatementThatNftHasNoJsonForEqualsNothing() {
        String last = rule("nat-istio-output", "\"last used never\", {\"accept\": null}");

        assertThat(differences(TABLE, OUTPUT, ISTIO_OUTPUT, JUMP, EXCLUDED, REDIRECT, last))
                .containsExactly("unexpected in ipv4 nftables nat-istio-output: \"last used never\" accept");
    }

    @Test
    void chainsAndSetsOfOthersInOurTableAreUnexpected() {
        String chain = ISTIO_OUTPUT.replace("nat-istio-output", "mine");
        String set = "{\"set\": {\"family\": \"ip\", \"name\": \"s\", \"table\": \"istio-proxy\"}}";

        assertThat(differences(TABLE, OUTPUT, ISTIO_OUTPUT, chain, set, JUMP, EXCLUDED, REDIRECT))
                .containsExactly("unexpected in ipv4 nftables: chain mine", "unexpected in ipv4 nftables: set s");
    }

    @Test
    void whatIsNoListingIsRefused() {
        for (String text : List.of("", "{}", "table ip x", "{\"nftables\": 5}")) {
            assertThatThrownBy(() -> NftListing.parse(IpFamily.IPV4, text))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("not a listing of nft");
        }
    }

    private static List<String> differences(String... objects) {
        return NftTableComparison.differences(WANTED, NftListing.parse(IpFamily.IPV4, listing(objects))).stream()
                .map(RuleDifference::toString)
                .toList();
    }

    private static String listing(String... objects) {
        return "{\"nftables\": [" + String.join(",", objects) + "]}";
    }

    private static String rule(String chain, String expressions) {
        return "{\"rule\": {\"family\": \"ip\", \"table\": \"istio-proxy\", \"chain\": \"" + chain
                + "\", \"handle\": 9, \"expr\": [" + expressions + "]}}";
    }

    private static Rule rule(Target target, Match... matches) {
        return new Rule(List.of(matches), target, "");
    }
}
