// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.IpFamily;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class KnownPlansTest {
    private final List<RedirectPlan> made = new ArrayList<>();

    private final KnownPlans plans = new KnownPlans(new NodeTools() {
        @Override
        public String name() {
            return "made";
        }

        @Override
        public String version() {
            return "1";
        }

        @Override
        public Map<IpFamily, String> problems() {
            return Map.of();
        }

        @Override
        public List<Layer> layers(RedirectPlan plan) {
            made.add(plan);
            return new ArrayList<>();
        }
    });

    @Test
    void podsWithTheSameRulesShareWhatIsMadeOfThem() {
        List<Layer> layers = plans.layers(Plans.redirect(IpFamily.IPV4));

        assertThat(plans.layers(Plans.redirect(IpFamily.IPV4))).isSameAs(layers);
        assertThat(plans.layers(Plans.tproxy(IpFamily.IPV4))).isNotSameAs(layers);
        assertThat(made).containsExactly(Plans.redirect(IpFamily.IPV4), Plans.tproxy(IpFamily.IPV4));
    }

    @Test
    void plansThatWereNotUsedForLongestMakeRoom() {
        plans.layers(RedirectPlan.NONE);
        for (int ports = 0; ports < 40; ports++) {
            plans.layers(Plans.excluding(ports, 0, IpFamily.IPV4));
            plans.layers(RedirectPlan.NONE);
        }
        assertThat(made).hasSize(41);

        plans.layers(Plans.excluding(0, 0, IpFamily.IPV4));
        assertThat(made).hasSize(42);
    }

    @Test
    void manyRulesLeaveNoRoomForThoseOfOthers() {
        plans.layers(Plans.excluding(0, 3_000, IpFamily.IPV4));
        plans.layers(Plans.excluding(0, 3_001, IpFamily.IPV4));
        assertThat(made).hasSize(2);

        plans.layers(Plans.excluding(0, 3_000, IpFamily.IPV4));
        plans.layers(Plans.excluding(0, 3_000, IpFamily.IPV4));
        assertThat(made).hasSize(3);
    }
}
