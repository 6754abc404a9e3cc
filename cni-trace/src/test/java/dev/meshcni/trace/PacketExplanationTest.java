// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.trace;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.redirect.AnnotationParser;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.redirect.RuleCompiler;
import dev.meshcni.redirect.testkit.Pods;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.TransportProtocol;
import java.net.InetAddress;
import java.util.EnumSet;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PacketExplanationTest {
    private static final PodNetwork NETWORK = PodNetwork.standIn();
    private static final InetAddress OUTSIDE = InetAddress.ofLiteral("10.0.0.1");

    @Test
    void aRedirectedConnectionIsExplainedByTheRuleAndTheDefaultBehindIt() {
        PacketExplanation explanation = explain(Map.of(), 443);

        assertThat(explanation.outcome())
                .isEqualTo(
                        "A TCP connection sent by user 1000 from 192.0.2.10 to 10.0.0.1 port 443 is sent to port 15001"
                                + " of the pod: the proxy accepts outbound connections here (default).");
        assertThat(explanation.reason())
                .isEqualTo("Decided by rule 11 of ISTIO_OUTPUT (table nat):"
                        + " all other outbound connections go to the proxy (default).");
        assertThat(explanation.way())
                .startsWith("✓ nat OUTPUT 1: everything → ISTIO_OUTPUT")
                .endsWith("✓ nat ISTIO_REDIRECT 1: tcp → redirect to port 15001");
    }

    @Test
    void anExcludedPortNamesTheAnnotationAndManyRulesAreToldInOneLine() {
        String ports = IntStream.range(9000, 9100).mapToObj(String::valueOf).collect(Collectors.joining(","));

        PacketExplanation explanation = explain(Map.of(AnnotationParser.EXCLUDE_OUTBOUND_PORTS, ports), 9050);

        assertThat(explanation.outcome()).endsWith("is not redirected: it goes to its original destination.");
        assertThat(explanation.reason())
                .contains("rule 101 of ISTIO_OUTPUT")
                .contains("annotation traffic.sidecar.istio.io/excludeOutboundPorts");
        assertThat(explanation.way())
                .containsExactly(
                        "✓ nat OUTPUT 1: everything → ISTIO_OUTPUT",
                        "✗ nat ISTIO_OUTPUT 1 to 100: 100 rules not matched",
                        "✓ nat ISTIO_OUTPUT 101: tcp, to port 9050 → return");
    }

    @Test
    void aRuleThatDoesNotApplySaysWhichPartOfItFails() {
        Packet packet = Packet.first(TransportProtocol.TCP, OUTSIDE, NETWORK.primary(IpFamily.IPV4), 8080);

        PacketExplanation explanation =
                PacketExplanation.of(PacketTrace.received(plan(Map.of()), NETWORK, NETWORK.device(), packet));

        assertThat(explanation.way())
                .contains("✗ nat ISTIO_INBOUND 1: tcp, to port 15008 → return (fails: to port 15008)");
    }

    @Test
    void aPacketThatNoRuleConcernsIsSaidToBeUntouched() {
        Packet packet = Packet.first(TransportProtocol.UDP, OUTSIDE, NETWORK.primary(IpFamily.IPV4), 53);

        PacketExplanation explanation =
                PacketExplanation.of(PacketTrace.received(plan(Map.of()), NETWORK, NETWORK.device(), packet));

        assertThat(explanation.text())
                .startsWith("A UDP packet from 10.0.0.1 to 192.0.2.10 port 53 is not redirected")
                .contains("No rule matched that redirects it.");
    }

    private static PacketExplanation explain(Map<String, String> annotations, int port) {
        Packet packet = Packet.first(TransportProtocol.TCP, NETWORK.sourceFor(OUTSIDE), OUTSIDE, port)
                .sentBy(1000, 1000);
        return PacketExplanation.of(PacketTrace.sent(plan(annotations), NETWORK, packet));
    }

    private static RedirectPlan plan(Map<String, String> annotations) {
        RedirectParameters parameters = AnnotationParser.parse(Pods.injected(annotations, Map.of()));
        return RuleCompiler.compile(parameters, EnumSet.of(IpFamily.IPV4));
    }
}
