// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.redirect.RuleCompiler;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleSet;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.Set;

/**
 * Compiles the rules of pods, and keeps those of the last few: most pods of a node ask for what another one does.
 *
 * <p>Thread-safe.
 */
final class CompiledPlans {
    private static final int MOST = 32;

    /** A plan with more rules is not kept. */
    private static final int MOST_RULES = 512;

    private record Compiled(RedirectParameters parameters, Set<IpFamily> families, RedirectPlan plan) {
        boolean isFor(RedirectParameters others, Set<IpFamily> otherFamilies) {
            return families.equals(otherFamilies) && parameters.equals(others);
        }
    }

    /** The last one that was used comes first; guarded by itself. */
    private final ArrayDeque<Compiled> plans = new ArrayDeque<>();

    /**
     * The plan for a pod; the same object for the same parameters, as long as it is kept.
     *
     * @see RuleCompiler#compile
     */
    RedirectPlan of(RedirectParameters parameters, Set<IpFamily> families) {
        synchronized (plans) {
            for (Iterator<Compiled> all = plans.iterator(); all.hasNext(); ) {
                Compiled known = all.next();
                if (known.isFor(parameters, families)) {
                    all.remove();
                    plans.addFirst(known);
                    return known.plan();
                }
            }
        }
        RedirectPlan plan = RuleCompiler.compile(parameters, families);
        if (plan.ruleSets().stream().mapToInt(RuleSet::ruleCount).sum() <= MOST_RULES) {
            synchronized (plans) {
                plans.addFirst(new Compiled(parameters, Set.copyOf(families), plan));
                if (plans.size() > MOST) {
                    plans.removeLast();
                }
            }
        }
        return plan;
    }
}
