// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.nftables;

import dev.meshcni.netfilter.IptablesRenderer;
import dev.meshcni.netfilter.IptablesSave;
import dev.meshcni.netfilter.SavedRule;
import dev.meshcni.netfilter.TableEdit;
import dev.meshcni.netfilter.TableEdit.Layout;
import dev.meshcni.netfilter.TableEdit.Slot;
import dev.meshcni.netlink.Expression;
import dev.meshcni.netlink.Expression.Other;
import dev.meshcni.netlink.KernelChain;
import dev.meshcni.netlink.KernelChain.Base;
import dev.meshcni.netlink.KernelRule;
import dev.meshcni.netlink.KernelTable;
import dev.meshcni.netlink.NfBatch;
import dev.meshcni.netlink.NfTables;
import dev.meshcni.rules.Chain;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.Rule;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.Table;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * The tables that the nf_tables variant of {@code iptables(8)} keeps for one address family: read as
 * {@code iptables-save} would print them, and changed as {@code iptables-restore} would.
 *
 * @param family whose tables they are
 * @param tables those that are there and can hold rules of ours
 */
public record IptablesTables(IpFamily family, List<TableSnapshot> tables) {
    /** {@code NFTA_CHAIN_COUNTERS}, which the program writes for a chain that it has read counters of. */
    private static final int CHAIN_COUNTERS = 8;

    /** The first of all chains are those of the kernel, in the order in which packets meet them. */
    private static final Comparator<KernelChain> ORDER = Comparator.<KernelChain, Integer>comparing(
                    chain -> chain.base().map(Base::hook).orElse(Integer.MAX_VALUE))
            .thenComparing(KernelChain::name);

    public IptablesTables {
        Objects.requireNonNull(family, "family is null");
        tables = tables.stream()
                .filter(table -> table.table().family() == Headers.family(family))
                .filter(table -> Stream.of(Table.values())
                        .anyMatch(known -> known.label().equals(table.table().name())))
                .toList();
    }

    /** The tables as {@code iptables-save} would print them. */
    public IptablesSave saved() {
        Map<String, Map<String, List<SavedRule>>> chains = new LinkedHashMap<>();
        Set<String> dropping = new HashSet<>();
        for (TableSnapshot table : tables) {
            Map<String, List<SavedRule>> rules = new LinkedHashMap<>();
            table.chains().stream().sorted(ORDER).forEach(chain -> {
                rules.put(
                        chain.name(),
                        table.rules(chain.name()).stream()
                                .map(rule -> IptablesRuleReader.read(family, rule))
                                .toList());
                if (chain.base().filter(base -> !base.accepts()).isPresent()) {
                    dropping.add(table.table().name());
                }
            });
            chains.put(table.table().name(), rules);
        }
        return new IptablesSave(chains, dropping, Set.of());
    }

    /**
     * The tables, of those that should hold rules, that hold something which a version of {@code iptables} may not be
     * able to read: what {@code nft} has made. Such a version would not show our rules in them either.
     */
    public List<String> doubtful(RuleSet wanted) {
        return tables.stream()
                .filter(table -> wanted.tables().keySet().stream()
                        .anyMatch(known -> known.label().equals(table.table().name())))
                .filter(table -> !ofIptables(table))
                .map(table -> table.table().name())
                .toList();
    }

    /**
     * Adds to a batch what makes the tables hold what they should.
     *
     * @param wanted all rules of ours of the family
     * @return the names of the tables that change
     */
    public List<String> change(RuleSet wanted, NfBatch batch) {
        List<String> changed = new ArrayList<>();
        for (TableEdit edit : TableEdit.of(wanted, saved())) {
            changed.add(edit.table().label());
            change(edit, batch);
        }
        return changed;
    }

    /**
     * Adds to a batch what puts tables back to what they are in this listing, rules of others and counters included.
     *
     * @param names the tables
     * @param present the tables that are there now
     */
    public void restore(List<String> names, List<KernelTable> present, NfBatch batch) {
        for (String name : names) {
            KernelTable table = new KernelTable(Headers.family(family), name);
            if (present.stream()
                    .anyMatch(there ->
                            there.family() == table.family() && there.name().equals(name))) {
                batch.add(() -> "deleting the table " + name, NfTables.delete(table));
            }
            snapshot(name).ifPresent(before -> Restoration.add(batch, before));
        }
    }

    private Optional<TableSnapshot> snapshot(String name) {
        return tables.stream()
                .filter(table -> table.table().name().equals(name))
                .findFirst();
    }

    private void change(TableEdit edit, NfBatch batch) {
        String label = edit.table().label();
        KernelTable table = new KernelTable(Headers.family(family), label);
        String place = "the " + family.label() + " table " + label;
        Optional<TableSnapshot> found = snapshot(label);
        if (edit.emptied()) {
            batch.add(() -> "deleting " + place, NfTables.delete(table));
            return;
        }
        if (found.isEmpty()) {
            batch.add(() -> place, NfTables.add(table));
        }
        for (Chain chain : edit.own()) {
            KernelChain own = KernelChain.regular(table, chain.name());
            boolean there =
                    found.filter(snapshot -> snapshot.hasChain(chain.name())).isPresent();
            batch.add(() -> place + ", chain " + chain.name(), there ? NfTables.flush(own) : NfTables.add(own));
        }
        edit.stale()
                .forEach(name -> batch.add(
                        () -> place + ", emptying chain " + name, NfTables.flush(KernelChain.regular(table, name))));
        edit.shared().forEach(layout -> deleteOurs(place, layout, found, batch));
        edit.stale()
                .forEach(name -> batch.add(
                        () -> place + ", deleting chain " + name, NfTables.delete(KernelChain.regular(table, name))));
        edit.shared().forEach(layout -> place(place, edit.table(), table, layout, found, batch));
        for (Chain chain : edit.own()) {
            chain.rules()
                    .forEach(rule -> batch.add(
                            what(place, chain.name(), rule), NfTables.append(rule(table, chain.name(), rule))));
        }
    }

    private static void deleteOurs(String place, Layout layout, Optional<TableSnapshot> found, NfBatch batch) {
        List<KernelRule> rules = rules(found, layout.chain());
        Set<Integer> kept = new HashSet<>();
        layout.slots().forEach(slot -> {
            if (slot instanceof Slot.Kept(int index)) {
                kept.add(index);
            }
        });
        for (int i = 0; i < rules.size(); i++) {
            if (!kept.contains(i)) {
                batch.add(() -> place + ", deleting a rule of chain " + layout.chain(), NfTables.delete(rules.get(i)));
            }
        }
    }

    /** Each rule goes right before the next one that stays, or behind all. */
    private void place(
            String place, Table known, KernelTable table, Layout layout, Optional<TableSnapshot> found, NfBatch batch) {
        List<KernelRule> rules = rules(found, layout.chain());
        boolean there =
                found.filter(snapshot -> snapshot.hasChain(layout.chain())).isPresent();
        if (!there && !layout.slots().isEmpty()) {
            Base base = BaseChains.of(known, layout.chain());
            batch.add(
                    () -> place + ", chain " + layout.chain(),
                    NfTables.add(KernelChain.base(table, layout.chain(), base)));
        }
        for (int i = 0; i < layout.slots().size(); i++) {
            if (layout.slots().get(i) instanceof Slot.Placed(Rule rule)) {
                KernelRule made = rule(table, layout.chain(), rule);
                Optional<KernelRule> next = nextKept(
                                layout.slots().subList(i, layout.slots().size()))
                        .map(rules::get);
                batch.add(
                        what(place, layout.chain(), rule),
                        next.map(behind -> NfTables.insertBefore(behind.handle(), made))
                                .orElseGet(() -> NfTables.append(made)));
            }
        }
    }

    private static Optional<Integer> nextKept(List<Slot> slots) {
        return slots.stream()
                .flatMap(slot -> slot instanceof Slot.Kept(int index) ? Stream.of(index) : Stream.empty())
                .findFirst();
    }

    private KernelRule rule(KernelTable table, String chain, Rule rule) {
        return KernelRule.of(table, chain, IptablesExpressions.of(family, rule));
    }

    private static Supplier<String> what(String place, String chain, Rule rule) {
        return () -> place + ", rule -A " + chain + " " + IptablesRenderer.rule(rule);
    }

    private static List<KernelRule> rules(Optional<TableSnapshot> found, String chain) {
        return found.map(snapshot -> snapshot.rules(chain)).orElse(List.of());
    }

    private boolean ofIptables(TableSnapshot table) {
        Table known = Stream.of(Table.values())
                .filter(candidate -> candidate.label().equals(table.table().name()))
                .findFirst()
                .orElseThrow();
        return table.table().flags() == 0
                && table.sets().isEmpty()
                && table.objects().isEmpty()
                && table.chains().stream().allMatch(chain -> ofIptables(known, chain))
                && table.rules().stream()
                        .flatMap(rule -> rule.expressions().stream())
                        .allMatch(IptablesTables::ofIptables);
    }

    private static boolean ofIptables(Table table, KernelChain chain) {
        boolean plain = chain.more().stream().allMatch(attribute -> attribute.type() == CHAIN_COUNTERS);
        if (!Chain.isBuiltIn(chain.name())) {
            return plain && chain.base().isEmpty();
        }
        Base expected = BaseChains.of(table, chain.name());
        return plain
                && chain.base()
                        .map(base -> new Base(base.type(), base.hook(), base.priority(), true))
                        .filter(expected::equals)
                        .isPresent();
    }

    private static boolean ofIptables(Expression expression) {
        return switch (expression) {
            case Expression.XtMatch _, Expression.XtTarget _, Expression.Counter _, Expression.Decide _ -> true;
            case Expression.MetaLoad _, Expression.PayloadLoad _, Expression.Bitwise _, Expression.Cmp _ -> true;
            case Other other -> other.name().equals("limit");
            default -> false;
        };
    }
}
