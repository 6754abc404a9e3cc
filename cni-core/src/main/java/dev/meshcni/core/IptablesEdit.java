package dev.meshcni.core;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Input for {@code iptables-restore(8)} that turns what a namespace holds into what it should hold, and back.
 *
 * <p>Only tables that differ are touched, and in them only what is ours: chains of ours are emptied and filled again,
 * those that no plan wants any more are deleted, and our rules in built-in chains are replaced.
 */
public final class IptablesEdit {
    private IptablesEdit() {}

    /**
     * Input for {@code iptables-restore --noflush}.
     *
     * @param wanted all rules of ours that the family should have
     * @param found what it has
     * @return the script; empty when nothing has to change
     */
    public static String script(RuleSet wanted, IptablesSave found) {
        StringBuilder out = new StringBuilder();
        for (Table table : Table.values()) {
            List<Chain> chains = wanted.tables().getOrDefault(table, List.of());
            RuleSet alone = new RuleSet(wanted.family(), Map.of(table, chains));
            IptablesSave there =
                    new IptablesSave(Map.of(table.label(), found.table(table.label())), found.unreadable());
            if (!RuleSetComparison.differences(alone, there).isEmpty()) {
                editTable(out, table, alone, found.table(table.label()));
            }
        }
        return out.toString();
    }

    /**
     * Input for {@code iptables-restore --counters} that takes back what a script did.
     *
     * @param script the script, applied in full, in part or not at all
     * @param before what {@code iptables-save --counters} printed before it was applied
     */
    public static String undo(String script, String before) {
        StringBuilder out = new StringBuilder();
        script.lines().filter(line -> line.startsWith("*")).forEach(table -> {
            String saved = section(table, before);
            out.append(saved.isEmpty() ? table + "\nCOMMIT\n" : saved);
        });
        return out.toString();
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
