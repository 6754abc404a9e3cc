// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netfilter;

import dev.meshcni.rules.Chain;
import dev.meshcni.rules.Rule;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.Table;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What has to happen in one table to turn what it holds into what it should hold: the same as {@link IptablesEdit}
 * writes for {@code iptables-restore(8)}, for those who change the kernel's rules one by one.
 *
 * @param table the table
 * @param emptied whether it goes as a whole: nothing is in it but rules of ours, and none is wanted any more
 * @param own chains of ours as they should be; those that are there are emptied first
 * @param stale names of chains of ours that no plan wants any more
 * @param shared chains of others and of the kernel, as they should be
 */
public record TableEdit(Table table, boolean emptied, List<Chain> own, List<String> stale, List<Layout> shared) {
    /**
     * A chain that is not ours alone: what stands in it, from its first rule to its last. Rules that do not appear are
     * deleted.
     */
    public record Layout(String chain, List<Slot> slots) {
        public Layout {
            Objects.requireNonNull(chain, "chain is null");
            slots = List.copyOf(slots);
        }
    }

    /** One place in a chain. */
    public sealed interface Slot {
        /** A rule of others stays: the one with this index among all that are there. */
        record Kept(int index) implements Slot {}

        /** A rule of ours is put here. */
        record Placed(Rule rule) implements Slot {
            public Placed {
                Objects.requireNonNull(rule, "rule is null");
            }
        }
    }

    public TableEdit {
        Objects.requireNonNull(table, "table is null");
        own = List.copyOf(own);
        stale = List.copyOf(stale);
        shared = List.copyOf(shared);
    }

    /**
     * The edits that lead from one to the other, of the tables that differ.
     *
     * @param wanted all rules of ours that the family should have
     * @param found what it has
     */
    public static List<TableEdit> of(RuleSet wanted, IptablesSave found) {
        List<TableEdit> edits = new ArrayList<>();
        for (Table table : Table.values()) {
            String label = table.label();
            RuleSet alone =
                    new RuleSet(wanted.family(), Map.of(table, wanted.tables().getOrDefault(table, List.of())));
            Map<String, List<SavedRule>> chains = found.table(label);
            IptablesSave there = new IptablesSave(Map.of(label, chains), Set.of(), Set.of());
            if (!RuleSetComparison.differences(alone, there).isEmpty()) {
                boolean emptied = alone.tables().isEmpty()
                        && !found.dropping().contains(label)
                        && IptablesEdit.holdsOnlyOurs(table, chains);
                edits.add(
                        emptied
                                ? new TableEdit(table, true, List.of(), List.of(), List.of())
                                : edit(table, alone, chains));
            }
        }
        return List.copyOf(edits);
    }

    private static TableEdit edit(Table table, RuleSet wanted, Map<String, List<SavedRule>> found) {
        List<Chain> chains = wanted.tables().getOrDefault(table, List.of());
        List<String> stale = found.keySet().stream()
                .filter(OwnRules::ownsChain)
                .filter(name -> wanted.chain(table, name).isEmpty())
                .toList();
        Set<String> shared = chains.stream()
                .filter(Chain::builtIn)
                .map(Chain::name)
                .collect(Collectors.toCollection(LinkedHashSet::new));
        found.keySet().stream().filter(name -> !OwnRules.ownsChain(name)).forEach(shared::add);
        return new TableEdit(
                table,
                false,
                chains.stream().filter(chain -> !chain.builtIn()).toList(),
                stale,
                shared.stream()
                        .map(name -> layout(
                                table,
                                wanted.chain(table, name).orElse(new Chain(name, 0, List.of())),
                                found.getOrDefault(name, List.of())))
                        .toList());
    }

    /** Ours stand behind rules of others; but before the first of them that would decide instead of ours. */
    private static Layout layout(Table table, Chain chain, List<SavedRule> saved) {
        List<Slot> before = new ArrayList<>();
        List<Slot> behind = new ArrayList<>();
        for (int i = 0; i < saved.size(); i++) {
            if (!OwnRules.owns(table, chain.name(), saved.get(i), chain.rules())) {
                boolean decided = !behind.isEmpty() || OwnRules.decidesFirst(table, saved.get(i));
                (decided ? behind : before).add(new Slot.Kept(i));
            }
        }
        List<Slot> slots = new ArrayList<>();
        chain.rules().stream().limit(chain.leading()).map(Slot.Placed::new).forEach(slots::add);
        slots.addAll(before);
        chain.rules().stream().skip(chain.leading()).map(Slot.Placed::new).forEach(slots::add);
        slots.addAll(behind);
        return new Layout(chain.name(), slots);
    }
}
