// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import dev.meshcni.rules.Chain;
import dev.meshcni.rules.Match;
import dev.meshcni.rules.Rule;
import dev.meshcni.rules.Target;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The chains of one table while they are being written, in the order of their first rules. */
final class TableDraft {
    private final Runnable budget;
    private final Map<String, ChainDraft> chains = new LinkedHashMap<>();

    /** An empty table whose rules count against a budget. */
    TableDraft(RuleBudget budget) {
        this.budget = budget::spend;
    }

    /** An empty table whose rules are few, whatever a pod asks for. */
    TableDraft() {
        this.budget = () -> {};
    }

    /** Makes a chain that may stay without rules. */
    void open(String chain) {
        draft(chain);
    }

    /** Adds a rule behind those that the chain has. */
    void append(String chain, String origin, Target target, Match... matches) {
        budget.run();
        draft(chain).rules.add(new Rule(Arrays.asList(matches), target, origin));
    }

    /** Puts a rule before all that a built-in chain has, rules of others included. */
    void lead(String chain, String origin, Target target, Match... matches) {
        budget.run();
        draft(chain).leading.add(new Rule(Arrays.asList(matches), target, origin));
    }

    List<Chain> chains() {
        List<Chain> finished = new ArrayList<>();
        chains.forEach((name, draft) -> finished.add(draft.chain(name)));
        return finished;
    }

    private ChainDraft draft(String chain) {
        return chains.computeIfAbsent(chain, _ -> new ChainDraft());
    }

    private static final class ChainDraft {
        private final List<Rule> leading = new ArrayList<>();
        private final List<Rule> rules = new ArrayList<>();

        Chain chain(String name) {
            List<Rule> all = new ArrayList<>(leading.reversed());
            all.addAll(rules);
            return new Chain(name, leading.size(), all);
        }
    }
}
