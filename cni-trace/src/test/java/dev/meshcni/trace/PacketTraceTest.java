// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.redirect.DnsCapture;
import dev.meshcni.redirect.InterceptionMode;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectParametersBuilder;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.redirect.RuleCompiler;
import dev.meshcni.redirect.Selection;
import dev.meshcni.rules.Chain;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.ConnectionState;
import dev.meshcni.rules.Hook;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.Rule;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.Table;
import dev.meshcni.rules.Target;
import dev.meshcni.rules.TransportProtocol;
import dev.meshcni.trace.PacketTrace.Verdict;
import java.net.InetAddress;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class PacketTraceTest {
    private static final long APP = 1000;
    private static final long PROXY = 1337;
    private static final InetAddress OUTSIDE = InetAddress.ofLiteral("10.0.0.1");
    private static final InetAddress LOCALHOST = InetAddress.ofLiteral("127.0.0.1");
    private static final PodNetwork NETWORK = PodNetwork.standIn();
    private static final InetAddress POD = NETWORK.primary(IpFamily.IPV4);

    @Test
    void theApplicationsConnectionsGoToTheProxy() {
        PacketTrace trace = sent(defaults(), tcp(OUTSIDE, 443).sentBy(APP, APP));

        assertThat(trace.verdict()).isEqualTo(new Verdict.Redirected(15001));
        assertThat(trace.delivered().destination()).isEqualTo(LOCALHOST);
        assertThat(decidingOrigin(trace)).startsWith("all other outbound connections go to the proxy");
    }

    @Test
    void theProxysConnectionsGoOut() {
        PacketTrace trace = sent(defaults(), tcp(OUTSIDE, 443).sentBy(PROXY, PROXY));

        assertThat(trace.verdict()).isEqualTo(new Verdict.Untouched());
        assertThat(decidingOrigin(trace)).startsWith("traffic of the proxy is never redirected to itself");
    }

    @Test
    void oneIdOfTheProxyIsEnoughToGoOut() {
        assertThat(sent(defaults(), tcp(OUTSIDE, 443).sentBy(APP, PROXY)).verdict())
                .isEqualTo(new Verdict.Untouched());
        assertThat(sent(defaults(), tcp(OUTSIDE, 443).sentBy(PROXY, APP)).verdict())
                .isEqualTo(new Verdict.Untouched());
    }

    /** The application calls a service whose endpoint is its own pod: its proxy connects to the pod's own address. */
    @Test
    void theProxysConnectionToItsOwnPodIsInbound() {
        PacketTrace trace = sent(defaults(), tcp(POD, 8080).sentBy(PROXY, PROXY));

        assertThat(trace.verdict()).isEqualTo(new Verdict.Redirected(15006));
    }

    @Test
    void theTunnelPortOfItsOwnPodIsReachedDirectly() {
        assertThat(sent(defaults(), tcp(POD, 15008).sentBy(PROXY, PROXY)).verdict())
                .isEqualTo(new Verdict.Untouched());
    }

    @Test
    void theApplicationTalksToItselfDirectly() {
        assertThat(sent(defaults(), tcp(POD, 8080).sentBy(APP, APP)).verdict()).isEqualTo(new Verdict.Untouched());
        assertThat(sent(defaults(), tcp(LOCALHOST, 8080).sentBy(APP, APP)).verdict())
                .isEqualTo(new Verdict.Untouched());
    }

    @Test
    void theProxyReachesTheApplicationOnLocalhostAndFromItsPassthroughAddress() {
        Packet passthrough = Packet.first(TransportProtocol.TCP, InetAddress.ofLiteral("127.0.0.6"), POD, 8080);

        assertThat(sent(defaults(), tcp(LOCALHOST, 8080).sentBy(PROXY, PROXY)).verdict())
                .isEqualTo(new Verdict.Untouched());
        assertThat(sent(defaults(), passthrough.sentBy(PROXY, PROXY)).verdict()).isEqualTo(new Verdict.Untouched());
    }

    @Test
    void whatArrivesGoesToTheProxyAtThePodsAddress() {
        PacketTrace trace = received(defaults(), tcpTo(8080));

        assertThat(trace.verdict()).isEqualTo(new Verdict.Redirected(15006));
        assertThat(trace.delivered().destination()).isEqualTo(POD);
        assertThat(trace.delivered().destinationPort()).isEqualTo(15006);
    }

    @Test
    void excludedPortsArriveAtTheApplication() {
        RedirectPlan plan = plan(
                RedirectParameters.builder().excludedInboundPorts(List.of(22)).excludedOutboundPorts(List.of(25)));

        assertThat(received(plan, tcpTo(22)).verdict()).isEqualTo(new Verdict.Untouched());
        assertThat(received(plan, tcpTo(15008)).verdict()).isEqualTo(new Verdict.Untouched());
        assertThat(sent(plan, tcp(OUTSIDE, 25).sentBy(APP, APP)).verdict()).isEqualTo(new Verdict.Untouched());
    }

    @Test
    void udpIsNotRedirected() {
        PacketTrace trace = sent(defaults(), udp(OUTSIDE, 53).sentBy(APP, APP));

        assertThat(trace.verdict()).isEqualTo(new Verdict.Untouched());
        assertThat(trace.deciding()).isEmpty();
        assertThat(received(defaults(), Packet.first(TransportProtocol.UDP, OUTSIDE, POD, 8080))
                        .verdict())
                .isEqualTo(new Verdict.Untouched());
    }

    @Test
    void excludedRangesWinOverIncludedOnes() {
        RedirectPlan plan = plan(RedirectParameters.builder()
                .outboundCidrs(Selection.only(List.of(Cidr.parse("10.0.0.0/8"))))
                .excludedOutboundCidrs(List.of(Cidr.parse("10.1.0.0/16"))));

        assertThat(sent(plan, tcp(OUTSIDE, 443).sentBy(APP, APP)).verdict()).isEqualTo(new Verdict.Redirected(15001));
        assertThat(sent(plan, tcp(InetAddress.ofLiteral("10.1.0.1"), 443).sentBy(APP, APP))
                        .verdict())
                .isEqualTo(new Verdict.Untouched());
        assertThat(sent(plan, tcp(InetAddress.ofLiteral("172.16.0.1"), 443).sentBy(APP, APP))
                        .verdict())
                .isEqualTo(new Verdict.Untouched());
    }

    @Test
    void capturedQueriesGoToTheAgentAndTheAgentsOwnGoOut() {
        RedirectPlan plan = plan(RedirectParameters.builder().dns(new DnsCapture.AllResolvers()));

        PacketTrace query = sent(plan, udp(OUTSIDE, 53).sentBy(APP, APP));
        PacketTrace upstream = sent(plan, udp(OUTSIDE, 53).sentBy(PROXY, PROXY));

        assertThat(query.verdict()).isEqualTo(new Verdict.Redirected(15053));
        assertThat(query.zone()).isEqualTo(OptionalInt.of(2));
        assertThat(upstream.verdict()).isEqualTo(new Verdict.Untouched());
        assertThat(upstream.zone()).isEqualTo(OptionalInt.of(1));
        assertThat(sent(plan, tcp(LOCALHOST, 53).sentBy(APP, APP)).verdict()).isEqualTo(new Verdict.Redirected(15053));
    }

    @Test
    void theAnswerOfAResolverIsTrackedWhereItsQueryWas() {
        RedirectPlan plan = plan(RedirectParameters.builder().dns(new DnsCapture.AllResolvers()));
        Packet answer = Packet.first(TransportProtocol.UDP, OUTSIDE, POD, 40_000)
                .fromPort(53)
                .inState(ConnectionState.ESTABLISHED);

        PacketTrace trace = received(plan, answer);

        assertThat(trace.zone()).isEqualTo(OptionalInt.of(1));
        assertThat(trace.verdict()).isEqualTo(new Verdict.FollowsConnection());
    }

    @Test
    void natIsAskedForTheFirstPacketOnly() {
        PacketTrace trace = sent(defaults(), tcp(OUTSIDE, 443).sentBy(APP, APP).inState(ConnectionState.ESTABLISHED));

        assertThat(trace.verdict()).isEqualTo(new Verdict.FollowsConnection());
        assertThat(trace.steps()).isEmpty();
    }

    @Test
    void invalidPacketsAreDroppedWhereThePodAsksForIt() {
        RedirectPlan plan = plan(RedirectParameters.builder().dropInvalid(true));

        assertThat(received(plan, tcpTo(8080).inState(ConnectionState.INVALID)).verdict())
                .isEqualTo(new Verdict.Dropped());
        assertThat(received(defaults(), tcpTo(8080).inState(ConnectionState.INVALID))
                        .verdict())
                .isEqualTo(new Verdict.Untouched());
    }

    @Test
    void tproxyHandsArrivingConnectionsOverUnchanged() {
        PacketTrace trace = received(tproxy(), tcpTo(8080));

        assertThat(trace.verdict()).isEqualTo(new Verdict.Tproxied(15006));
        assertThat(trace.delivered().destinationPort()).isEqualTo(8080);
        assertThat(trace.delivered().mark()).isEqualTo(1337);
        assertThat(decidingOrigin(trace)).startsWith("all other inbound connections go to the proxy");
    }

    @Test
    void tproxyMarksPacketsOfConnectionsThatTheProxyHas() {
        PacketTrace trace = received(tproxy(), tcpTo(8080).inState(ConnectionState.ESTABLISHED));

        assertThat(trace.verdict()).isEqualTo(new Verdict.FollowsConnection());
        assertThat(trace.delivered().mark()).isEqualTo(1337);
    }

    /**
     * The proxy connects to the application with the client's address and the mark 1337; replies must come back to it.
     */
    @Test
    void tproxyBringsTheApplicationsRepliesBackToTheProxy() {
        Packet fromProxy = tcpTo(8080).marked(1337, 0);
        Packet reply = tcp(OUTSIDE, 40_000).sentBy(APP, APP).inState(ConnectionState.ESTABLISHED);

        PacketTrace there = received(tproxy(), fromProxy);
        PacketTrace back = sent(tproxy(), reply.marked(0, there.delivered().connectionMark()));

        assertThat(there.delivered().connectionMark()).isEqualTo(1337);
        assertThat(back.delivered().mark()).isEqualTo(1337);
        assertThat(back.steps()).anyMatch(step -> step.hook() == Hook.PREROUTING);
    }

    @Test
    void tproxyLetsTheApplicationTalkToItself() {
        PacketTrace trace = sent(tproxy(), tcp(POD, 8080).sentBy(APP, APP));

        assertThat(trace.verdict()).isEqualTo(new Verdict.Untouched());
        assertThat(decidingOrigin(trace)).startsWith("traffic of the application to itself bypasses the proxy");
    }

    @Test
    void tproxyMarksWhatTheProxySendsToItsOwnPod() {
        PacketTrace trace = sent(tproxy(), tcp(POD, 8080).sentBy(PROXY, PROXY));

        assertThat(trace.delivered().mark()).isEqualTo(1338);
        assertThat(trace.verdict()).isEqualTo(new Verdict.Redirected(15006));
    }

    @Test
    void whatAGuestSendsIsOutbound() {
        InterfaceName guest = new InterfaceName("vnet0");
        RedirectPlan plan = plan(RedirectParameters.builder().virtualInterfaces(List.of(guest)));
        Packet packet = Packet.first(TransportProtocol.TCP, InetAddress.ofLiteral("192.168.122.2"), OUTSIDE, 443);

        assertThat(PacketTrace.received(plan, NETWORK, guest, packet).verdict())
                .isEqualTo(new Verdict.Redirected(15001));
    }

    @Test
    void anExcludedInterfaceIsLeftAlone() {
        RedirectPlan plan = plan(RedirectParameters.builder().excludedInterfaces(List.of(NETWORK.device())));

        assertThat(received(plan, tcpTo(8080)).verdict()).isEqualTo(new Verdict.Untouched());
        assertThat(sent(plan, tcp(OUTSIDE, 443).sentBy(APP, APP)).verdict()).isEqualTo(new Verdict.Untouched());
    }

    @Test
    void onlyTheNamedGroupsAreRedirected() {
        RedirectPlan plan = plan(RedirectParameters.builder().ownerGroups(Selection.only(List.of(201L, 202L))));

        assertThat(sent(plan, tcp(OUTSIDE, 443).sentBy(APP, 202)).verdict()).isEqualTo(new Verdict.Redirected(15001));
        assertThat(sent(plan, tcp(OUTSIDE, 443).sentBy(APP, 203)).verdict()).isEqualTo(new Verdict.Untouched());
    }

    @Test
    void aPacketOfNoSocketIsNobodys() {
        RedirectPlan plan = plan(RedirectParameters.builder().excludedOwnerGroups(List.of(0L)));

        assertThat(sent(plan, tcp(OUTSIDE, 443)).verdict()).isEqualTo(new Verdict.Redirected(15001));
    }

    @Test
    void ipv6IsRedirectedToItsOwnLoopback() {
        InetAddress outside = InetAddress.ofLiteral("2001:db8:1::1");

        PacketTrace trace = sent(defaults(), tcp(outside, 443).sentBy(APP, APP));

        assertThat(trace.verdict()).isEqualTo(new Verdict.Redirected(15001));
        assertThat(trace.delivered().destination()).isEqualTo(InetAddress.ofLiteral("::1"));
    }

    @Test
    void aFamilyThatThePlanLeavesOutIsUntouched() {
        RedirectPlan plan = RuleCompiler.compile(RedirectParameters.builder().build(), EnumSet.of(IpFamily.IPV4));

        PacketTrace trace =
                sent(plan, tcp(InetAddress.ofLiteral("2001:db8:1::1"), 443).sentBy(APP, APP));

        assertThat(trace.verdict()).isEqualTo(new Verdict.Untouched());
        assertThat(trace.steps()).isEmpty();
    }

    @Test
    void rulesThatJumpInACircleAreRefused() {
        Rule again = new Rule(List.of(), new Target.Jump("ISTIO_OUTPUT"), "");
        RuleSet rules = new RuleSet(
                IpFamily.IPV4,
                Map.of(
                        Table.NAT,
                        List.of(new Chain("OUTPUT", 0, List.of(again)), new Chain("ISTIO_OUTPUT", 0, List.of(again)))));
        RedirectPlan plan = new RedirectPlan(List.of(rules), List.of(), Optional.empty());

        assertThatThrownBy(() -> sent(plan, tcp(OUTSIDE, 443)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("loop");
    }

    @Test
    void aJumpToAMissingChainIsRefused() {
        Rule lost = new Rule(List.of(), new Target.Jump("GONE"), "");
        RuleSet rules = new RuleSet(IpFamily.IPV4, Map.of(Table.NAT, List.of(new Chain("OUTPUT", 0, List.of(lost)))));
        RedirectPlan plan = new RedirectPlan(List.of(rules), List.of(), Optional.empty());

        assertThatThrownBy(() -> sent(plan, tcp(OUTSIDE, 443))).hasMessageContaining("no chain GONE in nat");
    }

    private static RedirectPlan defaults() {
        return plan(RedirectParameters.builder());
    }

    private static RedirectPlan tproxy() {
        return plan(RedirectParameters.builder().mode(InterceptionMode.TPROXY));
    }

    private static RedirectPlan plan(RedirectParametersBuilder parameters) {
        return RuleCompiler.compile(parameters.build(), EnumSet.allOf(IpFamily.class));
    }

    private static PacketTrace sent(RedirectPlan plan, Packet packet) {
        return PacketTrace.sent(plan, NETWORK, packet);
    }

    private static PacketTrace received(RedirectPlan plan, Packet packet) {
        return PacketTrace.received(plan, NETWORK, NETWORK.device(), packet);
    }

    private static Packet tcp(InetAddress destination, int port) {
        return Packet.first(TransportProtocol.TCP, NETWORK.sourceFor(destination), destination, port);
    }

    private static Packet udp(InetAddress destination, int port) {
        return Packet.first(TransportProtocol.UDP, NETWORK.sourceFor(destination), destination, port);
    }

    private static Packet tcpTo(int port) {
        return Packet.first(TransportProtocol.TCP, OUTSIDE, POD, port);
    }

    private static String decidingOrigin(PacketTrace trace) {
        return trace.deciding().orElseThrow().rule().origin();
    }
}
