// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.nftables;

import dev.meshcni.netfilter.NftMerging;
import dev.meshcni.netfilter.NftRenderer;
import dev.meshcni.netfilter.NftTable;
import dev.meshcni.netfilter.NftTable.NftChain;
import dev.meshcni.netfilter.NftTable.NftRule;
import dev.meshcni.netfilter.NftTableComparison;
import dev.meshcni.netlink.Expression;
import dev.meshcni.netlink.Expression.Counter;
import dev.meshcni.netlink.Expression.Lookup;
import dev.meshcni.netlink.KernelChain;
import dev.meshcni.netlink.KernelRule;
import dev.meshcni.netlink.KernelSet;
import dev.meshcni.netlink.KernelTable;
import dev.meshcni.netlink.NfBatch;
import dev.meshcni.netlink.NfTables;
import dev.meshcni.netlink.Octets;
import dev.meshcni.netlink.SetElement;
import dev.meshcni.rules.Chain;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleDifference;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.Table;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * Our table of nf_tables of one address family: the same as {@code nft -f} makes of what {@link NftRenderer} writes.
 *
 * @param family whose table it is
 * @param found what is there; empty if there is none
 */
public record OwnTable(IpFamily family, Optional<TableSnapshot> found) {
    public OwnTable {
        Objects.requireNonNull(family, "family is null");
        Objects.requireNonNull(found, "found is null");
    }

    /** The one of a family among tables. */
    public static OwnTable among(IpFamily family, List<TableSnapshot> tables) {
        return new OwnTable(
                family,
                tables.stream()
                        .filter(table -> table.table().family() == Headers.family(family)
                                && table.table().name().equals(NftTable.NAME))
                        .findFirst());
    }

    /** The table that holds all rules of ours. */
    static TableSnapshot compile(RuleSet rules) {
        KernelTable table = table(rules.family());
        List<KernelChain> chains = new ArrayList<>();
        List<KernelRule> compiled = new ArrayList<>();
        Map<KernelSet, List<SetElement>> sets = new LinkedHashMap<>();
        rules.tables().forEach((known, all) -> {
            for (Chain chain : all) {
                String name = NftRenderer.name(known, chain.name());
                chains.add(
                        chain.builtIn()
                                ? KernelChain.base(table, name, BaseChains.own(known, chain.name()))
                                : KernelChain.regular(table, name));
                compile(rules.family(), known, chain)
                        .forEach(expressions -> compiled.add(rule(table, name, expressions, sets)));
            }
        });
        return new TableSnapshot(table, chains, compiled, sets, List.of());
    }

    /** The differences from what it should be. */
    public List<RuleDifference> differences(WantedTable wanted) {
        boolean same = wanted.none()
                ? found.isEmpty()
                : found.filter(there -> isSame(wanted.compiled(), there)).isPresent();
        return same
                ? List.of()
                : NftTableComparison.differences(wanted.rules(), found.map(there -> read(wanted, there)));
    }

    /**
     * Adds to a batch what makes the table hold what it should. Deleting a table makes the kernel wait until no packet
     * is in it, so a new pod is spared that.
     */
    public void change(WantedTable wanted, NfBatch batch) {
        found.ifPresent(there ->
                batch.add(() -> "deleting the table " + NftTable.name(family), NfTables.delete(there.table())));
        if (!wanted.none()) {
            Restoration.add(batch, wanted.compiled());
        }
    }

    /** Adds to a batch what takes the table out: whatever is in it is ours. */
    public static void delete(IpFamily family, NfBatch batch) {
        batch.add(() -> "deleting the table " + NftTable.name(family), NfTables.delete(table(family)));
    }

    /**
     * Adds to a batch what puts the table back to what it is in this listing.
     *
     * @param present the tables that are there now
     */
    public void restore(List<KernelTable> present, NfBatch batch) {
        KernelTable table = table(family);
        if (present.stream()
                .anyMatch(there ->
                        there.family() == table.family() && there.name().equals(table.name()))) {
            batch.add(() -> "deleting the table " + NftTable.name(family), NfTables.delete(table));
        }
        found.ifPresent(before -> Restoration.add(batch, before));
    }

    private static KernelTable table(IpFamily family) {
        return new KernelTable(Headers.family(family), NftTable.NAME);
    }

    private static List<List<NftExpressions.Part>> compile(IpFamily family, Table table, Chain chain) {
        return NftMerging.join(chain.rules()).stream()
                .flatMap(joined -> NftExpressions.of(family, table, joined).stream())
                .toList();
    }

    private static KernelRule rule(
            KernelTable table, String chain, List<NftExpressions.Part> parts, Map<KernelSet, List<SetElement>> sets) {
        List<Expression> expressions = new ArrayList<>();
        for (NftExpressions.Part part : parts) {
            switch (part) {
                case NftExpressions.Plain(var expression) -> expressions.add(expression);
                case NftExpressions.InSet in -> {
                    List<SetElement> elements = in.elements();
                    KernelSet set = in.set(table, sets.size(), elements.size());
                    sets.put(set, elements);
                    expressions.add(new Lookup(Headers.REGISTER, set.name(), 0, in.inverted()));
                }
            }
        }
        return KernelRule.of(table, chain, expressions);
    }

    /** Returns whether two tables have the same chains and rules, and nothing else. */
    private static boolean isSame(TableSnapshot wanted, TableSnapshot found) {
        return found.table().equals(wanted.table())
                && Set.copyOf(found.chains()).equals(Set.copyOf(wanted.chains()))
                && others(found).isEmpty()
                && wanted.chains().stream()
                        .allMatch(chain -> meanings(found, chain.name()).equals(meanings(wanted, chain.name())));
    }

    /** The table that is there, each rule in the words of {@link NftRenderer} if it is one of those that are wanted. */
    private static NftTable read(WantedTable wanted, TableSnapshot found) {
        Map<List<Object>, NftRule> words = words(wanted);
        List<NftChain> chains = new ArrayList<>();
        for (KernelChain chain : found.chains()) {
            String hook = chain.base().map(BaseChains::text).orElse("")
                    + (chain.more().isEmpty() ? "" : " " + chain.more());
            List<NftRule> rules = found.rules(chain.name()).stream()
                    .map(rule -> words.getOrDefault(
                            meaning(rule, found), new NftRule("", IptablesRuleReader.text(rule.expressions()))))
                    .toList();
            chains.add(new NftChain(chain.name(), hook, rules));
        }
        return new NftTable(wanted.rules().family(), chains, others(found));
    }

    /** Objects that we never put into a table. */
    private static List<String> others(TableSnapshot found) {
        List<String> others = new ArrayList<>();
        found.sets().keySet().stream().filter(set -> !set.anonymous()).forEach(set -> others.add("set " + set.name()));
        found.objects().forEach(object -> others.add("object " + object.name()));
        if (found.table().flags() != 0) {
            others.add("flags " + found.table().flags());
        }
        return others;
    }

    private static Map<List<Object>, NftRule> words(WantedTable wanted) {
        Map<List<Object>, NftRule> words = new HashMap<>();
        for (NftChain chain : NftRenderer.table(wanted.rules()).chains()) {
            List<List<Object>> meanings = meanings(wanted.compiled(), chain.name());
            for (int i = 0; i < meanings.size(); i++) {
                words.put(meanings.get(i), chain.rules().get(i));
            }
        }
        return words;
    }

    private static List<List<Object>> meanings(TableSnapshot table, String chain) {
        return table.rules(chain).stream().map(rule -> meaning(rule, table)).toList();
    }

    /** A rule without what was counted, and with what is in its sets in place of their names. */
    private static List<Object> meaning(KernelRule rule, TableSnapshot table) {
        List<Object> meaning = new ArrayList<>();
        for (Expression expression : rule.expressions()) {
            switch (expression) {
                case Counter _ -> meaning.add("counter");
                case Lookup lookup ->
                    meaning.add(List.of(lookup.register(), lookup.inverted(), contents(lookup.set(), table)));
                default -> meaning.add(expression);
            }
        }
        return meaning;
    }

    /** The elements of an anonymous set; a named set is none of ours. */
    private static Object contents(String name, TableSnapshot table) {
        for (Map.Entry<KernelSet, List<SetElement>> entry : table.sets().entrySet()) {
            if (entry.getKey().name().equals(name) && entry.getKey().anonymous()) {
                return ends(entry.getKey(), entry.getValue());
            }
        }
        return name;
    }

    /** The ends of intervals, whether the kernel keeps them or single values, and without the one at the very start. */
    private static Set<SetElement> ends(KernelSet set, List<SetElement> elements) {
        boolean intervals = (set.flags() & KernelSet.INTERVAL) != 0;
        Set<SetElement> ends = new HashSet<>();
        for (SetElement element : elements) {
            if (!intervals) {
                ends.add(element);
                next(element.key()).ifPresent(behind -> ends.add(SetElement.end(behind)));
            } else if (!element.equals(
                    SetElement.end(Octets.of(new byte[element.key().length()])))) {
                ends.add(element);
            }
        }
        return ends;
    }

    private static Optional<Octets> next(Octets key) {
        byte[] bytes = key.bytes();
        for (int i = bytes.length - 1; i >= 0; i--) {
            bytes[i]++;
            if (bytes[i] != 0) {
                return Optional.of(Octets.of(bytes));
            }
        }
        return Optional.empty();
    }
}
