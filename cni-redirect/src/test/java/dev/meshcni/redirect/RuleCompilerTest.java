// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.redirect.testkit.Pods;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.Table;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RuleCompilerTest {
    @Test
    void aPodThatAsksForNothingGetsTheWholeRedirection() {
        RuleSet rules = compile(RedirectParameters.builder(), IpFamily.IPV4);

        assertThat(rules.tables()).containsOnlyKeys(Table.NAT);
        assertThat(RuleLines.of(rules, Table.NAT, "PREROUTING")).containsExactly("tcp → ISTIO_INBOUND");
        assertThat(RuleLines.of(rules, Table.NAT, "ISTIO_INBOUND"))
                .containsExactly("tcp, to port 15008 → return", "tcp → ISTIO_IN_REDIRECT");
        assertThat(RuleLines.of(rules, Table.NAT, "ISTIO_IN_REDIRECT")).containsExactly("tcp → redirect to port 15006");
        assertThat(RuleLines.of(rules, Table.NAT, "OUTPUT")).containsExactly("everything → ISTIO_OUTPUT");
        assertThat(RuleLines.of(rules, Table.NAT, "ISTIO_OUTPUT"))
                .containsExactly(
                        "from 127.0.0.6, out through lo → return",
                        "tcp, not to 127.0.0.1, out through lo, to any port but 15008, by user 1337 →"
                                + " ISTIO_IN_REDIRECT",
                        "out through lo, by any user but 1337 → return",
                        "by user 1337 → return",
                        "tcp, not to 127.0.0.1, out through lo, to any port but 15008, by group 1337 →"
                                + " ISTIO_IN_REDIRECT",
                        "out through lo, by any group but 1337 → return",
                        "by group 1337 → return",
                        "to 127.0.0.1 → return",
                        "everything → ISTIO_REDIRECT");
        assertThat(RuleLines.of(rules, Table.NAT, "ISTIO_REDIRECT")).containsExactly("tcp → redirect to port 15001");
    }

    @Test
    void ipv6HasItsOwnAddresses() {
        RedirectPlan plan = RuleCompiler.compile(RedirectParameters.builder().build(), EnumSet.allOf(IpFamily.class));
        RuleSet rules = plan.ruleSet(IpFamily.IPV6).orElseThrow();

        assertThat(plan.ruleSets()).extracting(RuleSet::family).containsExactly(IpFamily.IPV4, IpFamily.IPV6);
        assertThat(plan.localAddresses()).containsExactly(Cidr.parse("::6/128"));
        assertThat(RuleLines.of(rules, Table.NAT, "ISTIO_OUTPUT"))
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
                .isEqualTo("DNS traffic is checked (variable ISTIO_META_DNS_CAPTURE of istio-proxy)");
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
}
