package dev.meshcni.nftables;

import dev.meshcni.core.Chain;
import dev.meshcni.core.IpFamily;
import dev.meshcni.core.NftMerging;
import dev.meshcni.core.NftRenderer;
import dev.meshcni.core.NftTable;
import dev.meshcni.core.NftTable.NftChain;
import dev.meshcni.core.NftTable.NftRule;
import dev.meshcni.core.NftTableComparison;
import dev.meshcni.core.RuleDifference;
import dev.meshcni.core.RuleSet;
import dev.meshcni.core.Table;
import dev.meshcni.netlink.Expression;
import dev.meshcni.netlink.Expression.Lookup;
import dev.meshcni.netlink.KernelChain;
import dev.meshcni.netlink.KernelRule;
import dev.meshcni.netlink.KernelSet;
import dev.meshcni.netlink.KernelTable;
import dev.meshcni.netlink.NfBatch;
import dev.meshcni.netlink.NfTables;
import dev.meshcni.netlink.SetElement;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;

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
                        .filter(table -> table.table().equals(table(family))
                                || (table.table().name().equals(NftTable.NAME)
                                        && table.table().family() == Headers.family(family)))
                        .findFirst());
    }

    /** The table that holds all rules of ours. */
    public static TableSnapshot compile(RuleSet rules) {
        KernelTable table = table(rules.family());
        List<KernelChain> chains = new ArrayList<>();
        List<KernelRule> compiled = new ArrayList<>();
        Map<KernelSet, List<SetElement>> sets = new LinkedHashMap<>();
        rules.tables().forEach((known, all) -> {
            for (Chain chain : all) {
                String name = NftRenderer.name(known, chain.name());
                chains.add(
                        chain.builtIn()
                                ? KernelChain.base(table, name, BaseChains.of(known, chain.name()))
                                : KernelChain.regular(table, name));
                compile(rules.family(), known, chain)
                        .forEach(expressions -> compiled.add(rule(table, name, expressions, sets)));
            }
        });
        return new TableSnapshot(table, chains, compiled, sets, List.of());
    }

    /** What is not as it should be. */
    public List<RuleDifference> differences(RuleSet wanted) {
        return NftTableComparison.differences(wanted, found.map(snapshot -> read(wanted, snapshot)));
    }

    /**
     * Adds to a batch what makes the table hold what it should. Deleting a table makes the kernel wait until no packet is in it, so a new pod is spared
     * that.
     */
    public void change(RuleSet wanted, NfBatch batch) {
        found.ifPresent(there ->
                batch.add(() -> "deleting the table " + NftTable.name(family), NfTables.delete(there.table())));
        if (!wanted.tables().isEmpty()) {
            Restoration.add(batch, compile(wanted));
        }
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
                    KernelSet set = in.set(table, sets.size());
                    sets.put(set, in.elements());
                    expressions.add(new Lookup(Headers.REGISTER, set.name(), 0, in.inverted()));
                }
            }
        }
        return KernelRule.of(table, chain, expressions);
    }

    /** The table that is there, each rule in the words of {@link NftRenderer} if it is one of those that are wanted. */
    private static NftTable read(RuleSet wanted, TableSnapshot found) {
        Map<String, NftRule> words = words(wanted);
        List<NftChain> chains = new ArrayList<>();
        for (KernelChain chain : found.chains()) {
            String hook = chain.base().map(BaseChains::text).orElse("")
                    + (chain.more().isEmpty() ? "" : " " + chain.more());
            List<NftRule> rules = found.rules(chain.name()).stream()
                    .map(rule -> meaning(rule, found))
                    .map(meaning -> words.getOrDefault(meaning, new NftRule("", meaning)))
                    .toList();
            chains.add(new NftChain(chain.name(), hook, rules));
        }
        List<String> others = new ArrayList<>();
        found.sets().keySet().stream().filter(set -> !set.anonymous()).forEach(set -> others.add("set " + set.name()));
        found.objects().forEach(object -> others.add("object " + object.name()));
        if (found.table().flags() != 0) {
            others.add("flags " + found.table().flags());
        }
        return new NftTable(wanted.family(), chains, others);
    }

    private static Map<String, NftRule> words(RuleSet wanted) {
        TableSnapshot compiled = compile(wanted);
        Map<String, NftRule> words = new HashMap<>();
        for (NftChain chain : NftRenderer.table(wanted).chains()) {
            List<KernelRule> rules = compiled.rules(chain.name());
            for (int i = 0; i < rules.size(); i++) {
                words.put(meaning(rules.get(i), compiled), chain.rules().get(i));
            }
        }
        return words;
    }

    /** A rule in words of the kernel, with what is in its sets in place of their names. */
    private static String meaning(KernelRule rule, TableSnapshot table) {
        List<Expression> expressions = rule.expressions().stream()
                .map(expression -> resolved(expression, table))
                .toList();
        return IptablesRuleReader.text(expressions);
    }

    private static Expression resolved(Expression expression, TableSnapshot table) {
        return expression instanceof Lookup lookup
                ? new Lookup(lookup.register(), contents(lookup.set(), table), 0, lookup.inverted())
                : expression;
    }

    private static String contents(String name, TableSnapshot table) {
        return table.sets().entrySet().stream()
                .filter(entry ->
                        entry.getKey().name().equals(name) && entry.getKey().anonymous())
                .map(entry -> entry.getValue().stream()
                        .sorted(Comparator.comparing(
                                        (SetElement element) -> element.key().toString())
                                .thenComparing(SetElement::intervalEnd))
                        .map(element -> element.key()
                                + (element.intervalEnd() ? " end" : "")
                                + (element.more().isEmpty()
                                        ? ""
                                        : element.more().toString()))
                        .collect(Collectors.joining(", ", "{ ", " }")))
                .findFirst()
                .orElse(name);
    }
}
