// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.redirect.RuleCompiler;
import dev.meshcni.rules.IpFamily;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CompiledPlansTest {
    private static final Set<IpFamily> BOTH = Set.of(IpFamily.values());

    private final CompiledPlans plans = new CompiledPlans();

    @Test
    void podsThatAskForTheSameHaveOnePlan() {
        RedirectPlan plan = plans.of(excluding(List.of(1)), BOTH);

        assertThat(plans.of(excluding(List.of(1)), BOTH))
                .isSameAs(plan)
                .isEqualTo(RuleCompiler.compile(excluding(List.of(1)), BOTH));
    }

    @Test
    void otherParametersAndOtherFamiliesHavePlansOfTheirOwn() {
        plans.of(excluding(List.of(1)), BOTH);

        assertThat(plans.of(excluding(List.of(2)), BOTH)).isEqualTo(RuleCompiler.compile(excluding(List.of(2)), BOTH));
        assertThat(plans.of(excluding(List.of(1)), Set.of(IpFamily.IPV4)))
                .isEqualTo(RuleCompiler.compile(excluding(List.of(1)), Set.of(IpFamily.IPV4)));
    }

    @Test
    void aPlanThatWasNotUsedForLongIsCompiledAgainAndALargeOneEachTime() {
        RedirectPlan first = plans.of(excluding(List.of(1)), BOTH);
        RedirectPlan large = plans.of(excluding(IntStream.range(1, 600).boxed().toList()), BOTH);
        assertThat(plans.of(excluding(IntStream.range(1, 600).boxed().toList()), BOTH))
                .isEqualTo(large)
                .isNotSameAs(large);
        for (int port = 2; port < 33; port++) {
            plans.of(excluding(List.of(port)), BOTH);
        }
        assertThat(plans.of(excluding(List.of(1)), BOTH)).isSameAs(first);
        for (int port = 2; port < 34; port++) {
            plans.of(excluding(List.of(port)), BOTH);
        }
        assertThat(plans.of(excluding(List.of(1)), BOTH)).isEqualTo(first).isNotSameAs(first);
    }

    private static RedirectParameters excluding(List<Integer> ports) {
        return RedirectParameters.builder().excludedOutboundPorts(ports).build();
    }
}
