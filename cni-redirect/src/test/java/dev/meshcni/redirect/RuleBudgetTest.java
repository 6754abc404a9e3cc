// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.redirect.testkit.Pods;
import dev.meshcni.rules.InvalidParameterException;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleSet;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RuleBudgetTest {
    private static final Set<IpFamily> BOTH = EnumSet.allOf(IpFamily.class);

    @Test
    void aPodMayHaveAsManyRulesAsTheBudgetSays() {
        int base = rules(Map.of(), Set.of(IpFamily.IPV4));
        int one = rules(Map.of(AnnotationParser.EXCLUDE_OUTBOUND_CIDRS, ranges(1)), Set.of(IpFamily.IPV4)) - base;

        int most = (RuleBudget.MAX_RULES - base) / one;

        assertThat(rules(Map.of(AnnotationParser.EXCLUDE_OUTBOUND_CIDRS, ranges(most)), Set.of(IpFamily.IPV4)))
                .isEqualTo(base + most * one)
                .isLessThanOrEqualTo(RuleBudget.MAX_RULES);
        assertThatThrownBy(() ->
                        rules(Map.of(AnnotationParser.EXCLUDE_OUTBOUND_CIDRS, ranges(most + 1)), Set.of(IpFamily.IPV4)))
                .isInstanceOf(InvalidParameterException.class);
    }

    @Test
    void whatAsksForMostIsNamed() {
        assertThatThrownBy(() -> rules(
                        Map.of(
                                AnnotationParser.EXCLUDE_OUTBOUND_CIDRS, ranges(3000),
                                AnnotationParser.EXCLUDE_OUTBOUND_PORTS, ports(4000),
                                AnnotationParser.EXCLUDE_INBOUND_PORTS, ports(2)),
                        BOTH))
                .isInstanceOf(InvalidParameterException.class)
                .hasMessage("the pod needs more than 4096 rules, the limit for one pod; most of them come from"
                        + " annotation traffic.sidecar.istio.io/excludeOutboundPorts (4000 entries),"
                        + " annotation traffic.sidecar.istio.io/excludeOutboundIPRanges (3000 entries),"
                        + " annotation traffic.sidecar.istio.io/excludeInboundPorts (2 entries)");
    }

    @Test
    void listsThatMultiplyCountAsTheyMultiply() {
        String interfaces = IntStream.range(0, 64).mapToObj(i -> "net" + i).collect(Collectors.joining(","));

        assertThatThrownBy(() -> rules(
                        Map.of(
                                AnnotationParser.VIRTUAL_INTERFACES,
                                interfaces,
                                AnnotationParser.INCLUDE_OUTBOUND_CIDRS,
                                ranges(257)),
                        Set.of(IpFamily.IPV4)))
                .isInstanceOf(InvalidParameterException.class)
                .hasMessageContaining("annotation istio.io/reroute-virtual-interfaces (16448 entries)");
    }

    @Test
    void theTablesAndFamiliesOfAPodShareItsBudget() {
        Map<String, String> half = Map.of(AnnotationParser.EXCLUDE_OUTBOUND_PORTS, ports(1500));

        assertThat(rules(half, Set.of(IpFamily.IPV4))).isGreaterThan(RuleBudget.MAX_RULES / 2);
        assertThatThrownBy(() -> rules(half, BOTH)).isInstanceOf(InvalidParameterException.class);
    }

    @Test
    void theEstimateIsAboutTheNumberOfRules() {
        for (Map<String, String> annotations : Set.of(
                Map.<String, String>of(),
                Map.of(AnnotationParser.EXCLUDE_OUTBOUND_PORTS, ports(1500)),
                Map.of(AnnotationParser.EXCLUDE_OUTBOUND_CIDRS, ranges(1500)),
                Map.of(AnnotationParser.INCLUDE_INBOUND_PORTS, ports(1500)),
                Map.of(
                        AnnotationParser.VIRTUAL_INTERFACES,
                        "a,b,c",
                        AnnotationParser.INCLUDE_OUTBOUND_CIDRS,
                        ranges(500)))) {
            int estimate = RuleBudget.estimate(AnnotationParser.parse(Pods.injected(annotations, Map.of())));

            assertThat(rules(annotations, Set.of(IpFamily.IPV4))).isBetween(estimate / 2, 2 * estimate + 50);
        }
    }

    private static int rules(Map<String, String> annotations, Set<IpFamily> families) {
        RedirectParameters parameters = AnnotationParser.parse(Pods.injected(annotations, Map.of()));
        return RuleCompiler.compile(parameters, families).ruleSets().stream()
                .mapToInt(RuleSet::ruleCount)
                .sum();
    }

    private static String ports(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> String.valueOf(1000 + 2 * i))
                .collect(Collectors.joining(","));
    }

    private static String ranges(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> "10.%d.%d.0/25".formatted(i / 250, i % 250))
                .collect(Collectors.joining(","));
    }
}
