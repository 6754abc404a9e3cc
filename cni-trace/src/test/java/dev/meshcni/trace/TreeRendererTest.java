// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.trace;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.redirect.InterceptionMode;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectParametersBuilder;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.redirect.RuleCompiler;
import dev.meshcni.redirect.Selection;
import dev.meshcni.rules.IpFamily;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TreeRendererTest {
    @Test
    void chainsStandBelowTheJumpsThatLeadToThem() {
        assertThat(render(RedirectParameters.builder().outboundCidrs(Selection.none()))
                        .lines()
                        .filter(line -> !line.matches("[│ ]+#.*"))
                        .map(TreeRendererTest::tree))
                .containsExactly(
                        "ipv4",
                        "├─ nat PREROUTING",
                        "│  └─ tcp → ISTIO_INBOUND",
                        "│     ├─ tcp, to port 15008 → return",
                        "│     └─ tcp → ISTIO_IN_REDIRECT",
                        "│        └─ tcp → redirect to port 15006",
                        "├─ nat OUTPUT",
                        "│  └─ everything → ISTIO_OUTPUT",
                        "│     ├─ from 127.0.0.6, out through lo → return",
                        "│     ├─ tcp, not to 127.0.0.1, out through lo, to any port but 15008, by user 1337"
                                + " → ISTIO_IN_REDIRECT (above)",
                        "│     ├─ out through lo, by any user but 1337 → return",
                        "│     ├─ by user 1337 → return",
                        "│     ├─ tcp, not to 127.0.0.1, out through lo, to any port but 15008, by group 1337"
                                + " → ISTIO_IN_REDIRECT (above)",
                        "│     ├─ out through lo, by any group but 1337 → return",
                        "│     ├─ by group 1337 → return",
                        "│     └─ to 127.0.0.1 → return",
                        "└─ nat ISTIO_REDIRECT (no rule leads here)",
                        "   └─ tcp → redirect to port 15001");
    }

    @Test
    void eachRuleSaysWhyItIsThere() {
        assertThat(render(RedirectParameters.builder()))
                .contains("# all other outbound connections go to the proxy (default)");
    }

    @Test
    void aReasonThatDoesNotFitBehindItsRuleStandsBelow() {
        RedirectPlan plan = RuleCompiler.compile(RedirectParameters.builder().build(), EnumSet.of(IpFamily.IPV4));

        String tree = TreeRenderer.render(plan, 60);

        assertThat(tree).contains("""
                │     ├─ tcp, to port 15008 → return
                │     │  # the proxy itself listens on the tunnel port
                │     │    (default)
                """);
        assertThat(tree.lines().filter(line -> line.contains("#"))).allMatch(line -> line.length() <= 60);
        assertThat(TreeRenderer.render(plan)).contains("""
                │     ├─ tcp, to port 15008 → return        # the proxy itself listens on the tunnel port (default)
                """);
    }

    @Test
    void ofManyRulesThatAreAlikeTheFirstAreDrawn() {
        String tree = render(RedirectParameters.builder()
                .excludedOutboundPorts(IntStream.range(1000, 2000).boxed().toList()));

        assertThat(tree).contains("udp, to port 1002 → return").contains("├─ and 1994 more rules like these");
        assertThat(tree.lines()).hasSizeLessThan(40);
    }

    @Test
    void addressesAndRoutingStandBelow() {
        RedirectPlan plan = RuleCompiler.compile(
                RedirectParameters.builder().mode(InterceptionMode.TPROXY).build(), EnumSet.allOf(IpFamily.class));

        assertThat(TreeRenderer.render(plan).lines().toList())
                .contains("ipv6")
                .endsWith("address ::6/128 on lo", "packets marked 1337 are delivered locally (route table 133)");
    }

    @Test
    void aPlanWithoutRulesIsEmpty() {
        assertThat(TreeRenderer.render(new RedirectPlan(List.of(), List.of(), Optional.empty())))
                .isEmpty();
    }

    private static String render(RedirectParametersBuilder parameters) {
        return TreeRenderer.render(RuleCompiler.compile(parameters.build(), EnumSet.of(IpFamily.IPV4)));
    }

    private static String tree(String line) {
        return line.replaceFirst(" +#.*", "");
    }
}
