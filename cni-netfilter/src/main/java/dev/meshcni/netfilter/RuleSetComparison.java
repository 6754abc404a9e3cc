// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netfilter;

import dev.meshcni.rules.Chain;
import dev.meshcni.rules.Rule;
import dev.meshcni.rules.RuleDifference;
import dev.meshcni.rules.RuleDifference.Kind;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.Table;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Compares what a namespace should hold with what {@code iptables-save(8)} shows.
 *
 * <p>A chain of ours must hold just our rules, in order. In a built-in chain each rule of ours must stand once, in
 * order, those that lead before all others; rules of others are no difference, unless one in nat stands before ours and
 * decides first.
 */
public final class RuleSetComparison {
    private final RuleSet wanted;
    private final IptablesSave found;
    private final List<RuleDifference> differences = new ArrayList<>();

    private RuleSetComparison(RuleSet wanted, IptablesSave found) {
        this.wanted = wanted;
        this.found = found;
    }

    /** All differences in one family, in the order of tables; empty when the namespace matches. */
    public static List<RuleDifference> differences(RuleSet wanted, IptablesSave found) {
        RuleSetComparison comparison = new RuleSetComparison(wanted, found);
        for (Table table : Table.values()) {
            comparison.compare(table);
        }
        return List.copyOf(comparison.differences);
    }

    private void compare(Table table) {
        Map<String, List<SavedRule>> chains = found.table(table.label());
        for (Chain chain : wanted.tables().getOrDefault(table, List.of())) {
            if (!chain.builtIn() && !chains.containsKey(chain.name())) {
                add(Kind.MISSING, place(table), "chain " + chain.name());
            }
        }
        Set<String> names = new LinkedHashSet<>(chains.keySet());
        wanted.tables().getOrDefault(table, List.of()).stream()
                .filter(Chain::builtIn)
                .map(Chain::name)
                .forEach(names::add);
        names.forEach(name -> compare(table, name, chains.getOrDefault(name, List.of())));
    }

    private void compare(Table table, String name, List<SavedRule> saved) {
        List<Rule> rules = wanted.chain(table, name).map(Chain::rules).orElse(List.of());
        if (OwnRules.ownsChain(name)) {
            if (wanted.chain(table, name).isEmpty()) {
                add(Kind.UNEXPECTED, place(table), "chain " + name);
            } else {
                compareInOrder(table, name, rules, saved);
            }
            return;
        }
        List<SavedRule> ours = saved.stream()
                .filter(rule -> OwnRules.owns(table, name, rule, rules))
                .toList();
        int before = differences.size();
        compareInOrder(table, name, rules, ours);
        if (before == differences.size() && !ours.isEmpty()) {
            comparePositions(table, name, saved);
        }
    }

    private void compareInOrder(Table table, String name, List<Rule> rules, List<SavedRule> saved) {
        List<String> want = rules.stream().map(IptablesRenderer::rule).toList();
        List<String> have = saved.stream().map(SavedRule::text).toList();
        differences.addAll(OrderedRules.differences(place(table, name), "-A " + name + " ", want, have));
    }

    /** All of ours are there, once and in order: what stands between them? */
    private void comparePositions(Table table, String name, List<SavedRule> saved) {
        Chain chain = wanted.chain(table, name).orElseThrow();
        int ours = 0;
        for (SavedRule rule : saved) {
            boolean leading = ours < chain.leading();
            boolean last = ours == chain.rules().size();
            if (OwnRules.owns(table, name, rule, chain.rules())) {
                ours++;
            } else if (leading || (!last && OwnRules.decidesFirst(table, rule))) {
                String behind = IptablesRenderer.rule(chain.rules().get(ours));
                add(Kind.MISPLACED, place(table, name), "-A " + name + " " + behind + " is after " + rule.text());
                return;
            }
        }
    }

    private void add(Kind kind, String place, String detail) {
        differences.add(new RuleDifference(kind, place, detail));
    }

    private String place(Table table) {
        return wanted.family().label() + " " + table.label();
    }

    private String place(Table table, String chain) {
        return place(table) + " " + chain;
    }
}
