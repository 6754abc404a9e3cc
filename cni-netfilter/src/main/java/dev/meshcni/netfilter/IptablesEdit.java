// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netfilter;

import dev.meshcni.rules.Chain;
import dev.meshcni.rules.Rule;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.Table;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The input for {@code iptables-restore(8)} that changes the rules of a namespace into the expected ones, and back.
 *
 * <p>Only tables that differ are touched, and in them only what is ours: chains of ours are emptied and filled again,
 * those that no plan wants any more are deleted, and our rules in built-in chains are replaced.
 *
 * @param changes input for {@code iptables-restore --noflush}; empty when nothing has to change
 * @param emptied input for {@code iptables-restore} without that option: tables in which nothing was but our rules, and
 *     which no plan wants any more; empty when there is none
 */
public record IptablesEdit(String changes, String emptied) {
    /**
     * The edit that leads from one to the other.
     *
     * @param wanted all rules of ours that the family should have
     * @param found what it has
     */
    public static IptablesEdit of(RuleSet wanted, IptablesSave found) {
        StringBuilder changes = new StringBuilder();
        StringBuilder emptied = new StringBuilder();
        for (Table table : Table.values()) {
            String label = table.label();
            RuleSet alone =
                    new RuleSet(wanted.family(), Map.of(table, wanted.tables().getOrDefault(table, List.of())));
            Map<String, List<SavedRule>> chains = found.table(label);
            IptablesSave there = new IptablesSave(Map.of(label, chains), Set.of(), Set.of());
            if (RuleSetComparison.differences(alone, there).isEmpty()) {
                continue;
            }
            if (alone.tables().isEmpty() && !found.dropping().contains(label) && holdsOnlyOurs(table, chains)) {
                emptied.append(empty("*" + label));
            } else {
                editTable(changes, table, alone, chains);
            }
        }
        return new IptablesEdit(changes.toString(), emptied.toString());
    }

    /** The names of the tables that {@link #emptied} empties. */
    public List<String> emptiedTables() {
        return emptied.lines()
                .filter(line -> line.startsWith("*"))
                .map(line -> line.substring(1))
                .toList();
    }

    /** Returns whether there is nothing to do. */
    public boolean isEmpty() {
        return changes.isEmpty() && emptied.isEmpty();
    }

    /**
     * Input for {@code iptables-restore --counters} that takes this edit back, made in full, in part or not at all.
     *
     * @param before what {@code iptables-save --counters} printed before the edit
     */
    public String undo(String before) {
        StringBuilder out = new StringBuilder();
        (changes + emptied).lines().filter(line -> line.startsWith("*")).forEach(table -> {
            String saved = section(table, before);
            out.append(saved.isEmpty() ? empty(table) : saved);
        });
        return out.toString();
    }

    /**
     * Without {@code --noflush}, this deletes all that is in the table; the nf_tables variant deletes the table too.
     */
    private static String empty(String table) {
        return table + "\nCOMMIT\n";
    }

    static boolean holdsOnlyOurs(Table table, Map<String, List<SavedRule>> chains) {
        return chains.entrySet().stream().allMatch(chain -> {
            String name = chain.getKey();
            boolean ours = chain.getValue().stream().allMatch(rule -> OwnRules.owns(table, name, rule, List.of()));
            return OwnRules.ownsChain(name) || (Chain.isBuiltIn(name) && ours);
        });
    }

    private static String section(String table, String saved) {
        return saved.lines()
                .dropWhile(line -> !line.equals(table))
                .takeWhile(line -> !line.startsWith("#"))
                .map(line -> line + "\n")
                .collect(Collectors.joining());
    }

    private static void editTable(StringBuilder out, Table table, RuleSet wanted, Map<String, List<SavedRule>> found) {
        List<Chain> chains = wanted.tables().getOrDefault(table, List.of());
        List<String> stale = found.keySet().stream()
                .filter(OwnRules::ownsChain)
                .filter(name -> wanted.chain(table, name).isEmpty())
                .toList();
        out.append('*').append(table.label()).append('\n');
        IptablesRenderer.declareOwnChains(out, chains);
        stale.forEach(name -> out.append("-F ").append(name).append('\n'));
        found.forEach((name, saved) -> {
            if (!OwnRules.ownsChain(name)) {
                deleteOurs(out, table, name, saved, ours(wanted, table, name));
            }
        });
        stale.forEach(name -> out.append("-X ").append(name).append('\n'));
        for (Chain chain : chains) {
            place(out, table, chain, others(table, chain, found.getOrDefault(chain.name(), List.of())));
        }
        out.append("COMMIT\n");
    }

    /** Deletes by number, from the end, because a rule that our model cannot express has no other safe name. */
    private static void deleteOurs(
            StringBuilder out, Table table, String chain, List<SavedRule> saved, List<Rule> wanted) {
        for (int i = saved.size() - 1; i >= 0; i--) {
            if (OwnRules.owns(table, chain, saved.get(i), wanted)) {
                out.append("-D ").append(chain).append(' ').append(i + 1).append('\n');
            }
        }
    }

    /** Behind the rules of others; but before the first of them that would decide instead of ours. */
    private static void place(StringBuilder out, Table table, Chain chain, List<SavedRule> others) {
        int deciding = 0;
        while (deciding < others.size() && !OwnRules.decidesFirst(table, others.get(deciding))) {
            deciding++;
        }
        for (int i = 0; i < chain.rules().size(); i++) {
            Rule rule = chain.rules().get(i);
            if (i < chain.leading()) {
                IptablesRenderer.insert(out, chain.name(), i + 1, rule);
            } else if (deciding < others.size()) {
                IptablesRenderer.insert(out, chain.name(), deciding + i + 1, rule);
            } else {
                IptablesRenderer.append(out, chain.name(), rule);
            }
        }
    }

    private static List<SavedRule> others(Table table, Chain chain, List<SavedRule> saved) {
        if (!chain.builtIn()) {
            return List.of();
        }
        List<SavedRule> others = new ArrayList<>(saved);
        others.removeIf(rule -> OwnRules.owns(table, chain.name(), rule, chain.rules()));
        return others;
    }

    private static List<Rule> ours(RuleSet wanted, Table table, String chain) {
        return wanted.chain(table, chain).map(Chain::rules).orElse(List.of());
    }
}
