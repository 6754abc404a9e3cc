package dev.meshcni.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RuleCompilerTest {
    @Test
    void aPodThatAsksForNothingGetsTheWholeRedirection() {
        RuleSet rules = compile(RedirectParameters.builder(), IpFamily.IPV4);

        assertThat(rules.tables()).containsOnlyKeys(Table.NAT);
        assertThat(lines(rules, Table.NAT, "PREROUTING")).containsExactly("tcp → ISTIO_INBOUND");
        assertThat(lines(rules, Table.NAT, "ISTIO_INBOUND"))
                .containsExactly("tcp, to port 15008 → return", "tcp → ISTIO_IN_REDIRECT");
        assertThat(lines(rules, Table.NAT, "ISTIO_IN_REDIRECT")).containsExactly("tcp → redirect to port 15006");
        assertThat(lines(rules, Table.NAT, "OUTPUT")).containsExactly("everything → ISTIO_OUTPUT");
        assertThat(lines(rules, Table.NAT, "ISTIO_OUTPUT"))
                .containsExactly(
                        "from 127.0.0.6, out through lo → return",
                        "tcp, not to 127.0.0.1, out through lo, to any port but 15008, by user 1337 → ISTIO_IN_REDIRECT",
                        "out through lo, by any user but 1337 → return",
                        "by user 1337 → return",
                        "tcp, not to 127.0.0.1, out through lo, to any port but 15008, by group 1337 → ISTIO_IN_REDIRECT",
                        "out through lo, by any group but 1337 → return",
                        "by group 1337 → return",
                        "to 127.0.0.1 → return",
                        "everything → ISTIO_REDIRECT");
        assertThat(lines(rules, Table.NAT, "ISTIO_REDIRECT")).containsExactly("tcp → redirect to port 15001");
    }

    @Test
    void ipv6HasItsOwnAddresses() {
        RedirectPlan plan = RuleCompiler.compile(RedirectParameters.builder().build(), EnumSet.allOf(IpFamily.class));
        RuleSet rules = plan.ruleSet(IpFamily.IPV6).orElseThrow();

        assertThat(plan.ruleSets()).extracting(RuleSet::family).containsExactly(IpFamily.IPV4, IpFamily.IPV6);
        assertThat(plan.localAddresses()).containsExactly(Cidr.parse("::6/128"));
        assertThat(lines(rules, Table.NAT, "ISTIO_OUTPUT"))
                .startsWith("from ::6, out through lo → return")
                .contains("to ::1 → return");
    }

    @Test
    void ipv4AloneNeedsNoAddress() {
        assertThat(RuleCompiler.compile(RedirectParameters.builder().build(), Set.of(IpFamily.IPV4))
                        .localAddresses())
                .isEmpty();
    }

    @Test
    void excludedPortsComeBeforeTheProxysOwn() {
        RuleSet rules = compile(
                RedirectParameters.builder()
                        .excludedInboundPorts(List.of(15090, 22))
                        .proxyInboundPorts(List.of(15020, 15021, 15090)),
                IpFamily.IPV4);

        assertThat(lines(rules, Table.NAT, "ISTIO_INBOUND"))
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

        assertThat(lines(rules, Table.NAT, "ISTIO_INBOUND"))
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

        List<String> ipv4 = lines(compile(parameters, IpFamily.IPV4), Table.NAT, "ISTIO_OUTPUT");
        List<String> ipv6 = lines(compile(parameters, IpFamily.IPV6), Table.NAT, "ISTIO_OUTPUT");

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

        assertThat(lines(rules, Table.NAT, "ISTIO_OUTPUT"))
                .doesNotContain("out through lo, by any user but 1337 → return")
                .endsWith("to 127.1.2.3 → ISTIO_REDIRECT");
    }

    @Test
    void aWiderLoopbackRangeIsThePodItself() {
        RuleSet rules = compile(RedirectParameters.builder().ipv4Loopback(Cidr.parse("127.0.0.0/8")), IpFamily.IPV4);

        assertThat(lines(rules, Table.NAT, "ISTIO_OUTPUT"))
                .contains("to 127.0.0.0/8 → return", "from 127.0.0.6, out through lo → return");
    }

    @Test
    void excludedInterfacesAreAskedFirst() {
        RuleSet rules = compile(
                RedirectParameters.builder().excludedInterfaces(List.of(new InterfaceName("net1"))), IpFamily.IPV4);

        assertThat(lines(rules, Table.NAT, "PREROUTING"))
                .containsExactly("in through net1 → return", "tcp → ISTIO_INBOUND");
        assertThat(lines(rules, Table.NAT, "OUTPUT"))
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
        assertThat(lines(rules, Table.NAT, "PREROUTING"))
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

        assertThat(lines(rules, Table.NAT, "PREROUTING"))
                .containsExactly(
                        "to 10.0.0.0/8, in through eth1 → ISTIO_REDIRECT",
                        "in through eth1 → return",
                        "tcp → ISTIO_INBOUND");
    }

    @Test
    void capturedDnsGoesToTheAgentAndIsTrackedInTwoZones() {
        RuleSet rules = compile(RedirectParameters.builder().dns(new DnsCapture.AllResolvers()), IpFamily.IPV4);

        assertThat(lines(rules, Table.NAT, "ISTIO_OUTPUT"))
                .containsSubsequence(
                        "tcp, not to 127.0.0.1, out through lo, to any port but 53 or 15008, by user 1337 → ISTIO_IN_REDIRECT",
                        "tcp, out through lo, to any port but 53, by any user but 1337 → return",
                        "by group 1337 → return",
                        "everything → ISTIO_OUTPUT_DNS",
                        "to 127.0.0.1 → return");
        assertThat(lines(rules, Table.NAT, "ISTIO_OUTPUT_DNS"))
                .containsExactly(
                        "tcp, to port 53 → redirect to port 15053", "udp, to port 53 → redirect to port 15053");
        assertThat(lines(rules, Table.RAW, "ISTIO_OUTPUT_DNS"))
                .containsExactly(
                        "udp, to port 53, by user 1337 → conntrack zone 1",
                        "udp, from port 15053, by user 1337 → conntrack zone 2",
                        "udp, to port 53, by group 1337 → conntrack zone 1",
                        "udp, from port 15053, by group 1337 → conntrack zone 2",
                        "udp, to port 53 → conntrack zone 2");
        assertThat(lines(rules, Table.RAW, "ISTIO_INBOUND")).containsExactly("udp, from port 53 → conntrack zone 1");
    }

    @Test
    void listedResolversConcernTheirFamilyOnly() {
        RedirectParametersBuilder parameters =
                RedirectParameters.builder().dns(new DnsCapture.Servers(List.of(InetAddress.ofLiteral("127.0.0.53"))));

        RuleSet ipv4 = compile(parameters, IpFamily.IPV4);
        RuleSet ipv6 = compile(parameters, IpFamily.IPV6);

        assertThat(lines(ipv4, Table.NAT, "ISTIO_OUTPUT_DNS"))
                .containsExactly(
                        "tcp, to 127.0.0.53, to port 53 → redirect to port 15053",
                        "udp, to 127.0.0.53, to port 53 → redirect to port 15053");
        assertThat(ipv6.chain(Table.NAT, "ISTIO_OUTPUT_DNS")).isEmpty();
        assertThat(ipv6.chain(Table.RAW, "PREROUTING")).isEmpty();
        assertThat(lines(ipv6, Table.RAW, "ISTIO_OUTPUT_DNS")).hasSize(4);
    }

    @Test
    void redirectionCanBeLimitedToGroupsByOneRule() {
        RuleSet rules =
                compile(RedirectParameters.builder().ownerGroups(Selection.only(List.of(201L, 202L))), IpFamily.IPV4);

        assertThat(lines(rules, Table.NAT, "ISTIO_OUTPUT"))
                .containsSubsequence(
                        "by group 1337 → return",
                        "by any group but 201, by any group but 202 → return",
                        "to 127.0.0.1 → return");
    }

    @Test
    void noGroupAtAllMeansThatNothingIsRedirected() {
        RuleSet rules = compile(RedirectParameters.builder().ownerGroups(Selection.none()), IpFamily.IPV4);

        assertThat(lines(rules, Table.NAT, "ISTIO_OUTPUT")).contains("everything → return");
    }

    @Test
    void groupsCanBeExcludedOneByOne() {
        RuleSet rules = compile(RedirectParameters.builder().excludedOwnerGroups(List.of(888L, 889L)), IpFamily.IPV4);

        assertThat(lines(rules, Table.NAT, "ISTIO_OUTPUT"))
                .containsSubsequence("by group 888 → return", "by group 889 → return", "to 127.0.0.1 → return");
    }

    @Test
    void invalidPacketsAreDroppedInMangle() {
        RuleSet rules = compile(RedirectParameters.builder().dropInvalid(true), IpFamily.IPV4);

        assertThat(lines(rules, Table.MANGLE, "PREROUTING")).containsExactly("in state INVALID → ISTIO_DROP");
        assertThat(lines(rules, Table.MANGLE, "ISTIO_DROP")).containsExactly("everything → drop");
    }

    @Test
    void tproxyMovesInboundToMangle() {
        RedirectPlan plan = RuleCompiler.compile(
                RedirectParameters.builder()
                        .mode(InterceptionMode.TPROXY)
                        .excludedInboundPorts(List.of(22))
                        .excludedInterfaces(List.of(new InterfaceName("net1")))
                        .build(),
                Set.of(IpFamily.IPV4));
        RuleSet rules = plan.ruleSet(IpFamily.IPV4).orElseThrow();

        assertThat(plan.routing()).contains(new RedirectPlan.TproxyRouting(1337, 133));
        assertThat(lines(rules, Table.NAT, "PREROUTING")).containsExactly("in through net1 → return");
        assertThat(lines(rules, Table.MANGLE, "PREROUTING"))
                .containsExactly(
                        "in through net1 → return",
                        "tcp → ISTIO_INBOUND",
                        "tcp, marked 1337 → save mark to connection");
        assertThat(lines(rules, Table.MANGLE, "ISTIO_INBOUND"))
                .containsExactly(
                        "tcp, marked 1337 → return",
                        "tcp, from 127.0.0.6, in through lo → return",
                        "tcp, in through lo, not marked 1338 → return",
                        "tcp, to port 22 → return",
                        "tcp, in state ESTABLISHED or RELATED → ISTIO_DIVERT",
                        "tcp → ISTIO_TPROXY");
        assertThat(lines(rules, Table.MANGLE, "ISTIO_DIVERT"))
                .containsExactly("everything → mark 1337", "everything → accept");
        assertThat(lines(rules, Table.MANGLE, "ISTIO_TPROXY"))
                .containsExactly("tcp, not to 127.0.0.1 → hand over to port 15006, mark 1337");
        assertThat(lines(rules, Table.MANGLE, "OUTPUT"))
                .containsExactly(
                        "out through net1 → return",
                        "tcp, out through lo, marked 1337 → return",
                        "tcp, not to 127.0.0.1, out through lo, by user 1337 → mark 1338",
                        "tcp, not to 127.0.0.1, out through lo, by group 1337 → mark 1338",
                        "tcp, of a connection marked 1337 → restore mark from connection");
    }

    @Test
    void tproxyWithoutInboundPortsNeedsNoRouting() {
        RedirectPlan plan = RuleCompiler.compile(
                RedirectParameters.builder()
                        .mode(InterceptionMode.TPROXY)
                        .inboundPorts(Selection.none())
                        .build(),
                Set.of(IpFamily.IPV4));

        assertThat(plan.routing()).isEmpty();
        assertThat(lines(plan.ruleSet(IpFamily.IPV4).orElseThrow(), Table.MANGLE, "ISTIO_INBOUND"))
                .hasSize(3);
    }

    @Test
    void everyRuleSaysWhereItComesFrom() {
        RedirectParameters parameters = AnnotationParser.parse(Pods.injected(
                Map.of(AnnotationParser.EXCLUDE_OUTBOUND_PORTS, "25"), Map.of(AnnotationParser.DNS_CAPTURE, "true")));
        RuleSet rules = RuleCompiler.compile(parameters, Set.of(IpFamily.IPV4))
                .ruleSets()
                .getFirst();

        assertThat(rules.chain(Table.NAT, "ISTIO_OUTPUT")
                        .orElseThrow()
                        .rules()
                        .getFirst()
                        .origin())
                .isEqualTo("traffic to this port bypasses the proxy"
                        + " (annotation traffic.sidecar.istio.io/excludeOutboundPorts)");
        assertThat(rules.chain(Table.RAW, "OUTPUT")
                        .orElseThrow()
                        .rules()
                        .getFirst()
                        .origin())
                .isEqualTo("DNS traffic is looked at (variable ISTIO_META_DNS_CAPTURE of istio-proxy)");
    }

    @Test
    void noFamilyIsNoPlan() {
        RedirectParameters parameters = RedirectParameters.builder().build();

        assertThatThrownBy(() -> RuleCompiler.compile(parameters, Set.of()))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private static RuleSet compile(RedirectParametersBuilder parameters, IpFamily family) {
        return RuleCompiler.compile(parameters.build(), Set.of(family))
                .ruleSets()
                .getFirst();
    }

    private static List<String> lines(RuleSet rules, Table table, String chain) {
        return rules.chain(table, chain).orElseThrow().rules().stream()
                .map(rule -> RuleText.condition(rule) + " → " + RuleText.target(rule.target()))
                .toList();
    }
}
