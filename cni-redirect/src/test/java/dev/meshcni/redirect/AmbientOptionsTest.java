// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.redirect.AmbientOptions.Node;
import dev.meshcni.redirect.testkit.Pods;
import dev.meshcni.rules.CutField;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.InvalidParameterException;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleDifference;
import java.net.InetAddress;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class AmbientOptionsTest {
    @Test
    void aPodThatSaysNothingGetsWhatTheNodeDecides() {
        AmbientOptions options = AmbientOptions.of(pod(Map.of()), Node.STANDARD);

        assertThat(options).isEqualTo(new AmbientOptions(true, "default", false, List.of(), Node.STANDARD));
    }

    @Test
    void annotationsGoBeforeTheNode() {
        AmbientOptions options = AmbientOptions.of(
                pod(Map.of(
                        AmbientOptions.DNS_CAPTURE,
                        "F",
                        AmbientOptions.BYPASS_INBOUND,
                        "1",
                        AnnotationParser.VIRTUAL_INTERFACES,
                        " net1,, net2 ")),
                Node.STANDARD);

        assertThat(options.dnsCapture()).isFalse();
        assertThat(options.dnsOrigin()).isEqualTo("annotation " + AmbientOptions.DNS_CAPTURE);
        assertThat(options.inboundBypassed()).isTrue();
        assertThat(options.virtualInterfaces()).containsExactly(new InterfaceName("net1"), new InterfaceName("net2"));
    }

    @Test
    void aTruthValueThatIsNoneIsIgnoredWithAWarning() {
        Pod pod = pod(Map.of(AmbientOptions.DNS_CAPTURE, "yes", AmbientOptions.BYPASS_INBOUND, "true"));

        assertThat(AmbientOptions.of(pod, Node.STANDARD).dnsCapture()).isTrue();
        assertThat(AmbientOptions.warnings(pod))
                .containsExactly("annotation ambient.istio.io/dns-capture is \"yes\", which is neither true nor false:"
                        + " ignored");
    }

    @Test
    void whatIsNoInterfaceAndWhatWasCutIsRefused() {
        assertThatThrownBy(() ->
                        AmbientOptions.of(pod(Map.of(AnnotationParser.VIRTUAL_INTERFACES, "a name")), Node.STANDARD))
                .isInstanceOf(InvalidParameterException.class)
                .hasMessageContaining("istio.io/reroute-virtual-interfaces");
        Pod cut = new Pod(
                "shop",
                "web",
                "",
                Map.of(),
                Map.of(),
                false,
                List.of(),
                List.of(),
                "",
                "",
                List.of(new CutField("metadata.annotations", 2, 1)));
        assertThatThrownBy(() -> AmbientOptions.of(cut, Node.STANDARD)).isInstanceOf(InvalidParameterException.class);
    }

    @Test
    void withoutIpv6OnThisNodeAPodHasRulesForIpv4Only() {
        AmbientOptions options =
                AmbientOptions.of(Map.<String, String>of(), Node.of(Map.of(Node.IPV6_VARIABLE, "false")));
        List<InetAddress> both = List.of(InetAddress.ofLiteral("10.0.0.5"), InetAddress.ofLiteral("fd00::5"));

        assertThat(AmbientRules.acceptable(options, both).getFirst().families()).containsExactly(IpFamily.IPV4);
        assertThatThrownBy(() -> Node.of(Map.of(Node.IPV6_VARIABLE, "no")))
                .isInstanceOf(InvalidParameterException.class)
                .hasMessageContaining(Node.IPV6_VARIABLE);
    }

    @Test
    void aNodeHasTheVariablesOfIstio() {
        Node node = Node.of(
                Map.of("AMBIENT_DNS_CAPTURE", "false", "HOST_PROBE_SNAT_IP", "10.0.0.9", "HOST_PROBE_SNAT_IPV6", ""));

        assertThat(node.dnsCapture()).isFalse();
        assertThat(node.dnsOrigin()).isEqualTo("variable AMBIENT_DNS_CAPTURE");
        assertThat(node.probe(IpFamily.IPV4)).hasToString("10.0.0.9/32");
        assertThat(node.probe(IpFamily.IPV6)).isEqualTo(Node.STANDARD.probeIpv6());
        assertThat(Node.of(Map.of())).isEqualTo(Node.STANDARD);
        assertThatThrownBy(() -> Node.of(Map.of("HOST_PROBE_SNAT_IP", "fd00::1")))
                .hasMessage("variable HOST_PROBE_SNAT_IP is \"fd00::1\": it must be one ipv4 address");
    }

    @Test
    void theFamiliesAreThoseOfTheAddressesOrBoth() {
        AmbientOptions options = AmbientOptions.of(pod(Map.of()), Node.STANDARD);
        List<RedirectPlan> ipv4 = AmbientRules.acceptable(options, List.of(InetAddress.ofLiteral("10.0.0.1")));
        List<RedirectPlan> ipv6 = AmbientRules.acceptable(options, List.of(InetAddress.ofLiteral("fd00::1")));

        assertThat(ipv4).extracting(RedirectPlan::families).containsExactly(Set.of(IpFamily.IPV4), both());
        assertThat(ipv6).extracting(RedirectPlan::families).containsExactly(both());

        RuleDifference difference = new RuleDifference(RuleDifference.Kind.MISSING, "here", "it");
        assertThat(AmbientRules.differences(
                        ipv4, plan -> plan.families().equals(both()) ? List.of() : List.of(difference)))
                .isEmpty();
        assertThat(AmbientRules.differences(ipv4, _ -> List.of(difference))).containsExactly(difference);
    }

    private static Set<IpFamily> both() {
        return EnumSet.allOf(IpFamily.class);
    }

    private static Pod pod(Map<String, String> annotations) {
        return new Pod("shop", "web", "", Map.of(), annotations, false, List.of(), List.of(Pods.container("app")));
    }
}
