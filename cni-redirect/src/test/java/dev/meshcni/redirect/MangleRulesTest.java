// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.Table;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class MangleRulesTest {
    @Test
    void invalidPacketsAreDroppedInMangle() {
        RuleSet rules = compile(RedirectParameters.builder().dropInvalid(true), IpFamily.IPV4);

        assertThat(RuleLines.of(rules, Table.MANGLE, "PREROUTING")).containsExactly("in state INVALID → ISTIO_DROP");
        assertThat(RuleLines.of(rules, Table.MANGLE, "ISTIO_DROP")).containsExactly("everything → drop");
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
        assertThat(RuleLines.of(rules, Table.NAT, "PREROUTING")).containsExactly("in through net1 → return");
        assertThat(RuleLines.of(rules, Table.MANGLE, "PREROUTING"))
                .containsExactly(
                        "in through net1 → return",
                        "tcp → ISTIO_INBOUND",
                        "tcp, marked 1337 → save mark to connection");
        assertThat(RuleLines.of(rules, Table.MANGLE, "ISTIO_INBOUND"))
                .containsExactly(
                        "tcp, marked 1337 → return",
                        "tcp, from 127.0.0.6, in through lo → return",
                        "tcp, in through lo, not marked 1338 → return",
                        "tcp, to port 22 → return",
                        "tcp, in state ESTABLISHED or RELATED → ISTIO_DIVERT",
                        "tcp → ISTIO_TPROXY");
        assertThat(RuleLines.of(rules, Table.MANGLE, "ISTIO_DIVERT"))
                .containsExactly("everything → mark 1337", "everything → accept");
        assertThat(RuleLines.of(rules, Table.MANGLE, "ISTIO_TPROXY"))
                .containsExactly("tcp, not to 127.0.0.1 → hand over to port 15006, mark 1337");
        assertThat(RuleLines.of(rules, Table.MANGLE, "OUTPUT"))
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
        assertThat(RuleLines.of(plan.ruleSet(IpFamily.IPV4).orElseThrow(), Table.MANGLE, "ISTIO_INBOUND"))
                .hasSize(3);
    }

    private static RuleSet compile(RedirectParametersBuilder parameters, IpFamily family) {
        return RuleCompiler.compile(parameters.build(), Set.of(family))
                .ruleSets()
                .getFirst();
    }
}
