// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.Chain;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleSet;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Tools that keep what they have made for the last few plans: most pods of a node have the rules of another one.
 *
 * <p>Thread-safe.
 */
final class KnownPlans implements NodeTools {
    private static final int MAX_PLANS = 32;

    /** All rules of the plans that are kept, about a kilobyte each; one pod may have as many. */
    private static final int MAX_RULES = 4_096;

    private record Known(RedirectPlan plan, int rules, List<Layer> layers) {}

    private final NodeTools tools;

    /** The last one that was used comes first; guarded by itself. */
    private final ArrayDeque<Known> known = new ArrayDeque<>();

    KnownPlans(NodeTools tools) {
        this.tools = Objects.requireNonNull(tools, "tools is null");
    }

    @Override
    public String name() {
        return tools.name();
    }

    @Override
    public String version() {
        return tools.version();
    }

    @Override
    public Map<IpFamily, String> problems() {
        return tools.problems();
    }

    @Override
    public List<Layer> layers(RedirectPlan plan) {
        synchronized (known) {
            for (Iterator<Known> all = known.iterator(); all.hasNext(); ) {
                Known candidate = all.next();
                if (candidate.plan().equals(plan)) {
                    all.remove();
                    known.addFirst(candidate);
                    return candidate.layers();
                }
            }
        }
        Known made = new Known(plan, rules(plan), tools.layers(plan));
        synchronized (known) {
            known.addFirst(made);
            int rules = known.stream().mapToInt(Known::rules).sum();
            while (known.size() > MAX_PLANS || rules > MAX_RULES) {
                rules -= known.removeLast().rules();
            }
        }
        return made.layers();
    }

    private static int rules(RedirectPlan plan) {
        int rules = 0;
        for (RuleSet set : plan.ruleSets()) {
            rules += rules(set);
        }
        return rules;
    }

    /** The number of rules in all tables. */
    static int rules(RuleSet set) {
        int rules = 0;
        for (List<Chain> chains : set.tables().values()) {
            for (Chain chain : chains) {
                rules += chain.rules().size();
            }
        }
        return rules;
    }
}
