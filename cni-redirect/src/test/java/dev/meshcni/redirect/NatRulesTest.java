// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.Table;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class NatRulesTest {
    @Test
    void excludedPortsComeBeforeTheProxysOwn() {
        RuleSet rules = compile(
                RedirectParameters.builder()
                        .excludedInboundPorts(List.of(15090, 22))
                        .proxyInboundPorts(List.of(15020, 15021, 15090)),
                IpFamily.IPV4);

        assertThat(RuleLines.of(rules, Table.NAT, "ISTIO_INBOUND"))
                .containsExactly(
                        "tcp, to port 15008 → return",
                        "tcp, to port 15090 → return",
                        "tcp, to port 22 → return",
                        "tcp, to port 15020 → return",
                        "tcp, to port 15021 → return",
                        "tcp → ISTIO_IN_REDIRECT");
    }

    @Test
    void listedInboundPortsMakeExclusionsPointless() {
        RuleSet rules = compile(
                RedirectParameters.builder()
                        .inboundPorts(Selection.only(List.of(80, 81)))
                        .excludedInboundPorts(List.of(22)),
                IpFamily.IPV4);

        assertThat(RuleLines.of(rules, Table.NAT, "ISTIO_INBOUND"))
                .containsExactly(
                        "tcp, to port 15008 → return",
                        "tcp, to port 80 → ISTIO_IN_REDIRECT",
                        "tcp, to port 81 → ISTIO_IN_REDIRECT");
    }

    @Test
    void withoutInboundPortsNothingIsDoneWithWhatArrives() {
        RuleSet rules = compile(RedirectParameters.builder().inboundPorts(Selection.none()), IpFamily.IPV4);

        assertThat(rules.chain(Table.NAT, "PREROUTING")).isEmpty();
    }

    @Test
    void outboundExclusionsComeBeforeInclusionsAndEachFamilyGetsItsOwn() {
        RedirectParametersBuilder parameters = RedirectParameters.builder()
                .excludedOutboundPorts(List.of(25))
                .excludedOutboundCidrs(List.of(Cidr.parse("10.1.0.0/16"), Cidr.parse("2001:db8:1::/48")))
                .outboundPorts(List.of(443))
                .outboundCidrs(Selection.only(List.of(Cidr.parse("2001:db8::/32"), Cidr.parse("10.0.0.0/8"))));

        List<String> ipv4 = RuleLines.of(compile(parameters, IpFamily.IPV4), Table.NAT, "ISTIO_OUTPUT");
        List<String> ipv6 = RuleLines.of(compile(parameters, IpFamily.IPV6), Table.NAT, "ISTIO_OUTPUT");

        assertThat(ipv4)
                .startsWith("tcp, to port 25 → return", "udp, to port 25 → return")
                .endsWith(
                        "to 127.0.0.1 → return",
                        "to 10.1.0.0/16 → return",
                        "tcp, to port 443 → ISTIO_REDIRECT",
                        "to 10.0.0.0/8 → ISTIO_REDIRECT");
        assertThat(ipv6)
                .endsWith(
                        "to 2001:db8:1::/48 → return",
                        "tcp, to port 443 → ISTIO_REDIRECT",
                        "to 2001:db8::/32 → ISTIO_REDIRECT");
    }

    @Test
    void aLoopbackRangeToRedirectKeepsTheApplicationsOwnTrafficInPlay() {
        RuleSet rules = compile(
                RedirectParameters.builder().outboundCidrs(Selection.only(List.of(Cidr.parse("127.1.2.3/32")))),
                IpFamily.IPV4);

        assertThat(RuleLines.of(rules, Table.NAT, "ISTIO_OUTPUT"))
                .doesNotContain("out through lo, by any user but 1337 → return")
                .endsWith("to 127.1.2.3 → ISTIO_REDIRECT");
    }

    @Test
    void aWiderLoopbackRangeIsThePodItself() {
        RuleSet rules = compile(RedirectParameters.builder().ipv4Loopback(Cidr.parse("127.0.0.0/8")), IpFamily.IPV4);

        assertThat(RuleLines.of(rules, Table.NAT, "ISTIO_OUTPUT"))
                .contains("to 127.0.0.0/8 → return", "from 127.0.0.6, out through lo → return");
    }

    @Test
    void excludedInterfacesAreAskedFirst() {
        RuleSet rules = compile(
                RedirectParameters.builder().excludedInterfaces(List.of(new InterfaceName("net1"))), IpFamily.IPV4);

        assertThat(RuleLines.of(rules, Table.NAT, "PREROUTING"))
                .containsExactly("in through net1 → return", "tcp → ISTIO_INBOUND");
        assertThat(RuleLines.of(rules, Table.NAT, "OUTPUT"))
                .containsExactly("out through net1 → return", "everything → ISTIO_OUTPUT");
        assertThat(rules.chain(Table.NAT, "PREROUTING").orElseThrow().leading()).isZero();
    }

    @Test
    void guestsStandBeforeRulesOfOthersAndTheLastInsertedIsFirst() {
        RuleSet rules = compile(
                RedirectParameters.builder()
                        .virtualInterfaces(List.of(new InterfaceName("eth1"), new InterfaceName("eth2"))),
                IpFamily.IPV4);

        assertThat(rules.chain(Table.NAT, "PREROUTING").orElseThrow().leading()).isEqualTo(4);
        assertThat(RuleLines.of(rules, Table.NAT, "PREROUTING"))
                .containsExactly(
                        "in through eth2 → ISTIO_REDIRECT",
                        "in through eth1 → ISTIO_REDIRECT",
                        "in through eth2 → return",
                        "in through eth1 → return",
                        "tcp → ISTIO_INBOUND");
    }

    @Test
    void guestsAreRedirectedToTheRangesOfTheFamily() {
        RuleSet rules = compile(
                RedirectParameters.builder()
                        .virtualInterfaces(List.of(new InterfaceName("eth1")))
                        .outboundCidrs(Selection.only(List.of(Cidr.parse("10.0.0.0/8"), Cidr.parse("::/0")))),
                IpFamily.IPV4);

        assertThat(RuleLines.of(rules, Table.NAT, "PREROUTING"))
                .containsExactly(
                        "to 10.0.0.0/8, in through eth1 → ISTIO_REDIRECT",
                        "in through eth1 → return",
                        "tcp → ISTIO_INBOUND");
    }

    @Test
    void redirectionCanBeLimitedToGroupsByOneRule() {
        RuleSet rules =
                compile(RedirectParameters.builder().ownerGroups(Selection.only(List.of(201L, 202L))), IpFamily.IPV4);

        assertThat(RuleLines.of(rules, Table.NAT, "ISTIO_OUTPUT"))
                .containsSubsequence(
                        "by group 1337 → return",
                        "by any group but 201, by any group but 202 → return",
                        "to 127.0.0.1 → return");
    }

    @Test
    void noGroupAtAllMeansThatNothingIsRedirected() {
        RuleSet rules = compile(RedirectParameters.builder().ownerGroups(Selection.none()), IpFamily.IPV4);

        assertThat(RuleLines.of(rules, Table.NAT, "ISTIO_OUTPUT")).contains("everything → return");
    }

    @Test
    void groupsCanBeExcludedOneByOne() {
        RuleSet rules = compile(RedirectParameters.builder().excludedOwnerGroups(List.of(888L, 889L)), IpFamily.IPV4);

        assertThat(RuleLines.of(rules, Table.NAT, "ISTIO_OUTPUT"))
                .containsSubsequence("by group 888 → return", "by group 889 → return", "to 127.0.0.1 → return");
    }

    private static RuleSet compile(RedirectParametersBuilder parameters, IpFamily family) {
        return RuleCompiler.compile(parameters.build(), Set.of(family))
                .ruleSets()
                .getFirst();
    }
}
