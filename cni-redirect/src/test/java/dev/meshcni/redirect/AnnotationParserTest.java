// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.redirect.testkit.Pods;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.InvalidParameterException;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AnnotationParserTest {
    @Test
    void aPodThatAsksForNothingGetsIstiosDefaults() {
        RedirectParameters parameters = AnnotationParser.parse(Pods.injected());

        assertThat(parameters.inbound().ports().isAll()).isTrue();
        assertThat(parameters.proxy().ownPorts()).containsExactly(15020, 15021, 15090);
        assertThat(parameters.outbound().excludedPorts()).containsExactly(15020);
        assertThat(parameters.dns()).isEqualTo(new DnsCapture.Off());
        assertThat(parameters.proxy().uids()).containsExactly(1337L);
    }

    @Test
    void everyAnnotationBecomesATypedValueThatKnowsItsOrigin() {
        RedirectParameters parameters = parse(Map.of(
                AnnotationParser.INTERCEPTION_MODE, "TPROXY",
                AnnotationParser.INCLUDE_OUTBOUND_CIDRS, "10.0.0.0/8",
                AnnotationParser.EXCLUDE_OUTBOUND_CIDRS, "10.1.0.0/16,",
                AnnotationParser.INCLUDE_INBOUND_PORTS, "80,81",
                AnnotationParser.EXCLUDE_INBOUND_PORTS, "82",
                AnnotationParser.INCLUDE_OUTBOUND_PORTS, "83",
                AnnotationParser.EXCLUDE_OUTBOUND_PORTS, "",
                AnnotationParser.EXCLUDE_INTERFACES, "net1"));

        assertThat(parameters.mode()).isEqualTo(InterceptionMode.TPROXY);
        assertThat(parameters.outbound().cidrs()).isEqualTo(Selection.only(List.of(Cidr.parse("10.0.0.0/8"))));
        assertThat(parameters.outbound().excludedCidrs()).containsExactly(Cidr.parse("10.1.0.0/16"));
        assertThat(parameters.inbound().ports()).isEqualTo(Selection.only(List.of(80, 81)));
        assertThat(parameters.inbound().excludedPorts()).containsExactly(82);
        assertThat(parameters.outbound().ports()).containsExactly(83);
        assertThat(parameters.outbound().excludedPorts()).isEmpty();
        assertThat(parameters.interfaces().excluded()).containsExactly(new InterfaceName("net1"));
        assertThat(parameters.origin(Parameter.OUTBOUND_PORTS))
                .isEqualTo("annotation traffic.sidecar.istio.io/includeOutboundPorts");
    }

    @Test
    void theEnvironmentOfTheProxyCounts() {
        RedirectParameters parameters = AnnotationParser.parse(Pods.injected(
                Map.of(),
                Map.of(
                        AnnotationParser.DNS_CAPTURE, "true",
                        AnnotationParser.DUAL_STACK, "1",
                        AnnotationParser.INVALID_DROP, "T",
                        AnnotationParser.OWNER_GROUPS, "201,202",
                        AnnotationParser.EXCLUDED_OWNER_GROUPS, "888",
                        AnnotationParser.IPV4_LOOPBACK, "127.0.0.0/16")));

        assertThat(parameters.dns()).isEqualTo(new DnsCapture.AllResolvers());
        assertThat(parameters.proxy().dualStack()).isTrue();
        assertThat(parameters.inbound().dropInvalid()).isTrue();
        assertThat(parameters.outbound().ownerGroups()).isEqualTo(Selection.only(List.of(201L, 202L)));
        assertThat(parameters.outbound().excludedOwnerGroups()).containsExactly(888L);
        assertThat(parameters.ipv4Loopback()).isEqualTo(Cidr.parse("127.0.0.0/16"));
        assertThat(parameters.origin(Parameter.DNS)).isEqualTo("variable ISTIO_META_DNS_CAPTURE of istio-proxy");
    }

    @Test
    void aSwitchThatIsNeitherTrueNorFalseIsFalseAsInIstio() {
        RedirectParameters parameters =
                AnnotationParser.parse(Pods.injected(Map.of(), Map.of(AnnotationParser.DUAL_STACK, "yes")));

        assertThat(parameters.proxy().dualStack()).isFalse();
        assertThat(parameters.origin(Parameter.DUAL_STACK)).isEqualTo("default");
    }

    @ParameterizedTest
    @CsvSource({"0, 1337", "1337, 1337", "1000670000, 1000670000"})
    void theProxysUserIsItsOwnUnlessThatIsRoot(long runAsUser, long expected) {
        Pod.Container proxy = new Pod.Container(
                "istio-proxy", List.of(), Map.of(), OptionalLong.of(runAsUser), OptionalLong.of(runAsUser));
        Pod pod = new Pod("shop", "cart", "", Map.of(), Map.of(), false, List.of(proxy), List.of());

        RedirectParameters parameters = AnnotationParser.parse(pod);

        assertThat(parameters.proxy().uids()).containsExactly(expected);
        assertThat(parameters.proxy().gids()).containsExactly(expected);
    }

    @Test
    void theNewerAnnotationForVirtualInterfacesWins() {
        assertThat(parse(Map.of(AnnotationParser.KUBEVIRT_INTERFACES, "old0"))
                        .interfaces()
                        .virtual())
                .containsExactly(new InterfaceName("old0"));
        assertThat(parse(Map.of(AnnotationParser.KUBEVIRT_INTERFACES, "old0", AnnotationParser.VIRTUAL_INTERFACES, ""))
                        .interfaces()
                        .virtual())
                .isEmpty();
    }

    @Test
    void aBadPortNamesTheAnnotation() {
        assertThatThrownBy(() -> parse(Map.of(AnnotationParser.EXCLUDE_INBOUND_PORTS, "80 -j ACCEPT")))
                .isInstanceOfSatisfying(
                        InvalidParameterException.class,
                        e -> assertThat(e.parameter())
                                .isEqualTo("annotation traffic.sidecar.istio.io/excludeInboundPorts"));
    }

    @Test
    void aGroupNameMeansNothingOutsideOfThePod() {
        Pod pod = Pods.injected(Map.of(), Map.of(AnnotationParser.OWNER_GROUPS, "java"));

        assertThatThrownBy(() -> AnnotationParser.parse(pod))
                .hasMessageStartingWith("variable ISTIO_OUTBOUND_OWNER_GROUPS of istio-proxy is \"java\"");
    }

    private static RedirectParameters parse(Map<String, String> annotations) {
        return AnnotationParser.parse(Pods.injected(annotations, Map.of()));
    }
}
