// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.trace;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.redirect.AmbientOptions;
import dev.meshcni.redirect.AmbientRules;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.redirect.testkit.RecordedAmbient;
import dev.meshcni.rules.ConnectionState;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.TransportProtocol;
import java.net.InetAddress;
import java.util.EnumSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The ways of the packets of ambient pods, in both families. */
class AmbientPathTest {
    private static final int ZTUNNEL = 0x539;
    private static final PodNetwork NETWORK = PodNetwork.standIn();

    @ParameterizedTest
    @EnumSource
    void outboundTcpIsCapturedUnlessZtunnelSendsIt(IpFamily family) {
        PacketTrace captured = sent(RecordedAmbient.DNS_CAPTURED, packet(family, TransportProtocol.TCP, 443));
        PacketTrace direct = sent(
                RecordedAmbient.DNS_CAPTURED,
                packet(family, TransportProtocol.TCP, 15008).marked(ZTUNNEL, 0));

        assertThat(captured.verdict()).isEqualTo(new PacketTrace.Verdict.Redirected(15001));
        assertThat(path(captured)).isEqualTo(AmbientPath.CAPTURED);
        assertThat(path(direct)).isEqualTo(AmbientPath.FROM_ZTUNNEL);
        assertThat(path(sent(RecordedAmbient.DNS_CAPTURED, packet(family, TransportProtocol.UDP, 443))))
                .isEqualTo(AmbientPath.DIRECT);
    }

    @ParameterizedTest
    @EnumSource
    void dnsIsCapturedWhereThatIsAsked(IpFamily family) {
        Packet query = packet(family, TransportProtocol.UDP, 53);

        PacketTrace captured = sent(RecordedAmbient.DNS_CAPTURED_BY_POD, query);
        PacketTrace ofZtunnel = sent(RecordedAmbient.DNS_CAPTURED_BY_POD, query.marked(ZTUNNEL, 0));

        assertThat(captured.verdict()).isEqualTo(new PacketTrace.Verdict.Redirected(15053));
        assertThat(captured.zone()).isEmpty();
        assertThat(path(ofZtunnel)).isEqualTo(AmbientPath.FROM_ZTUNNEL);
        assertThat(ofZtunnel.zone()).hasValue(1);
        assertThat(path(sent(RecordedAmbient.DNS_LEFT_BY_POD, query))).isEqualTo(AmbientPath.DIRECT);
        assertThat(sent(RecordedAmbient.DNS_LEFT_BY_POD, packet(family, TransportProtocol.TCP, 53))
                        .verdict())
                .isEqualTo(new PacketTrace.Verdict.Redirected(15001));
    }

    @ParameterizedTest
    @EnumSource
    void inboundTcpIsCapturedExceptTunnelsAndProbes(IpFamily family) {
        Packet plain = inbound(family, outside(family), 8080);
        Packet probe = inbound(family, probes(family), 8080);

        assertThat(path(received(RecordedAmbient.DNS_CAPTURED, plain))).isEqualTo(AmbientPath.CAPTURED);
        assertThat(path(received(RecordedAmbient.DNS_CAPTURED, inbound(family, outside(family), 15008))))
                .isEqualTo(AmbientPath.TUNNEL);
        assertThat(path(received(RecordedAmbient.DNS_CAPTURED, probe))).isEqualTo(AmbientPath.PROBE);
        assertThat(path(received(RecordedAmbient.INBOUND_BYPASSED, plain))).isEqualTo(AmbientPath.DIRECT);
    }

    @ParameterizedTest
    @EnumSource
    void whatArrivesFromAGuestIsOutbound(IpFamily family) {
        Packet packet = Packet.first(TransportProtocol.TCP, probes(family), outside(family), 443);
        InterfaceName guest = new InterfaceName(RecordedAmbient.GUEST_INTERFACE);

        PacketTrace trace =
                PacketTrace.received(plan(RecordedAmbient.GUESTS_AND_INBOUND_BYPASSED), NETWORK, guest, packet);

        assertThat(trace.verdict()).isEqualTo(new PacketTrace.Verdict.Redirected(15001));
    }

    /**
     * client → ztunnel, then ztunnel (0x539, from the client's address) → application: the connection is marked, and
     * the mark brings the answer back to ztunnel instead of to the client.
     */
    @ParameterizedTest
    @EnumSource
    void theApplicationsAnswerGoesBackToZtunnel(IpFamily family) {
        InetAddress pod = NETWORK.primary(family);
        InetAddress client = outside(family);
        Packet there = Packet.first(TransportProtocol.TCP, client, pod, 8080).marked(ZTUNNEL, 0xab000);

        PacketTrace first = sent(RecordedAmbient.DNS_CAPTURED, there);
        assertThat(path(first)).isEqualTo(AmbientPath.FROM_ZTUNNEL);
        assertThat(first.delivered().connectionMark()).isEqualTo(0xab111);

        Packet answer = Packet.first(TransportProtocol.TCP, pod, client, 40_000)
                .inState(ConnectionState.ESTABLISHED)
                .marked(0, first.delivered().connectionMark());
        PacketTrace back = sent(RecordedAmbient.DNS_CAPTURED, answer);

        assertThat(back.delivered().mark()).isEqualTo(0xab111);
        assertThat(back.steps().getLast().hook()).as("through lo").isEqualTo(dev.meshcni.rules.Hook.PREROUTING);
    }

    @Test
    void theWayIsToldWithTheRulesAndTheirMarks() {
        PacketTrace trace =
                received(RecordedAmbient.DNS_CAPTURED, inbound(IpFamily.IPV4, outside(IpFamily.IPV4), 8080));

        assertThat(PacketExplanation.of(trace).text())
                .contains("is sent to port 15006 of the pod")
                .contains("ztunnel accepts inbound connections here")
                .contains("not marked 0x539/0xfff");
    }

    private static AmbientPath path(PacketTrace trace) {
        AmbientOptions options = RecordedAmbient.DNS_CAPTURED.options();
        return AmbientPath.of(trace, options);
    }

    private static Packet packet(IpFamily family, TransportProtocol protocol, int port) {
        return Packet.first(protocol, NETWORK.primary(family), outside(family), port)
                .sentBy(1000, 1000);
    }

    private static Packet inbound(IpFamily family, InetAddress from, int port) {
        return Packet.first(TransportProtocol.TCP, from, NETWORK.primary(family), port);
    }

    private static InetAddress outside(IpFamily family) {
        return InetAddress.ofLiteral(family == IpFamily.IPV4 ? "10.0.0.1" : "fd00::1");
    }

    private static InetAddress probes(IpFamily family) {
        return RecordedAmbient.DNS_CAPTURED.node().probe(family).address();
    }

    private static PacketTrace sent(RecordedAmbient recorded, Packet packet) {
        return PacketTrace.sent(plan(recorded), NETWORK, packet);
    }

    private static PacketTrace received(RecordedAmbient recorded, Packet packet) {
        return PacketTrace.received(plan(recorded), NETWORK, NETWORK.device(), packet);
    }

    private static RedirectPlan plan(RecordedAmbient recorded) {
        return AmbientRules.compile(recorded.options(), EnumSet.allOf(IpFamily.class));
    }
}
