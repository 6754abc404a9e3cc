// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.core.spi.UnreadableRulesException;
import dev.meshcni.libc.RefusedException;
import dev.meshcni.netfilter.NftTable;
import dev.meshcni.netfilter.RuleSetComparison;
import dev.meshcni.netlink.KernelTable;
import dev.meshcni.netlink.NfBatch;
import dev.meshcni.nftables.EarlierChains;
import dev.meshcni.nftables.IptablesTables;
import dev.meshcni.nftables.OwnTable;
import dev.meshcni.nftables.TableSnapshot;
import dev.meshcni.nftables.WantedTable;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleDifference;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.Table;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Rules of ours in nf_tables, all tables and families in one transaction, without any program.
 *
 * <p>Remembers what it takes to write them into a namespace that has none, and how the kernel lists them then: the next
 * pod with the same rules is read back and compared byte for byte.
 */
final class NetlinkLayer implements Layer {
    private static final String WHAT = "the rules in nf_tables";

    /** The number of retries of a change when another process changes tables meanwhile. */
    private static final int ATTEMPTS = 40;

    /** What is kept of a listing at the most. */
    private static final int KEPT_BYTES = 16 << 10;

    private static final int KEPT_BYTES_PER_RULE = 1 << 10;

    /** The number of removals that are kept: pods of a node that differ in their rules. */
    private static final int KEPT_REMOVALS = 8;

    /** A planned change, and the tables of iptables that it touches. */
    private record Change(NfBatch batch, Map<IpFamily, List<String>> tables, List<IpFamily> own) {
        Change at(OptionalInt generation) {
            return generation.isPresent() ? new Change(batch.at(generation.getAsInt()), tables, own) : this;
        }
    }

    /** Tables that were listed, and what takes our rules out of them. */
    private record Removal(Listing.Known listed, Change change) {}

    private final Map<IpFamily, RuleSet> iptables;
    private final Map<IpFamily, WantedTable> own;
    private final List<Layer> programs;

    /** The change that makes them where there are none. */
    private final AtomicReference<Change> first = new AtomicReference<>();

    /** What is taken out of tables that were listed before, the last ones first; guarded by itself. */
    private final ArrayDeque<Removal> removals = new ArrayDeque<>();

    /** A listing that was found to be as it should be. */
    private final AtomicReference<Listing.Known> asWanted = new AtomicReference<>();

    /**
     * For rules.
     *
     * @param iptables by family, what the tables of iptables' nf_tables variant should hold; those of a family that is
     *     absent are left alone
     * @param own by family, what our own tables should hold
     * @param programs what does the same for the tables of iptables by its programs, where only they can; empty if they
     *     are not there
     */
    NetlinkLayer(Map<IpFamily, RuleSet> iptables, Map<IpFamily, WantedTable> own, List<Layer> programs) {
        this.iptables = Map.copyOf(iptables);
        this.own = Map.copyOf(own);
        this.programs = List.copyOf(programs);
    }

    /** No rules in any of a number of families' tables. */
    static Map<IpFamily, RuleSet> nothing() {
        Map<IpFamily, RuleSet> nothing = new LinkedHashMap<>();
        Stream.of(IpFamily.values()).forEach(family -> nothing.put(family, new RuleSet(family, Map.of())));
        return nothing;
    }

    /** Our own tables for rules of a number of families. */
    static Map<IpFamily, WantedTable> own(Map<IpFamily, RuleSet> rules) {
        return rules.entrySet().stream()
                .collect(Collectors.toMap(Map.Entry::getKey, entry -> WantedTable.of(entry.getValue())));
    }

    @Override
    public void apply(NetfilterTables netfilter, Undo undo, Consumer<String> steps) {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            Listing found = list(netfilter);
            if (isAsWanted(found)) {
                return;
            }
            Change change = found.isEmpty() ? first().at(found.generation()) : planned(found);
            if (byPrograms(netfilter, found, change)) {
                programs.forEach(layer -> layer.apply(netfilter, undo, steps));
                return;
            }
            if (change.batch().isEmpty()) {
                RuleDifferences.requireNone(differences(netfilter, found));
                return;
            }
            if (transact(netfilter, found, change, undo)) {
                steps.accept(WHAT);
                RuleDifferences.requireNone(differences(netfilter));
                steps.accept("reading back " + WHAT);
                return;
            }
        }
        throw new RedirectException("others change the pod's tables all the time: " + WHAT + " were not changed");
    }

    @Override
    public List<RuleDifference> differences(NetfilterTables netfilter) {
        return differences(netfilter, list(netfilter));
    }

    private List<RuleDifference> differences(NetfilterTables netfilter, Listing found) {
        if (isAsWanted(found)) {
            return List.of();
        }
        if (found.isEmpty() && rules() == 0) {
            return List.of();
        }
        if (!doubtful(found).isEmpty()) {
            return requirePrograms(found).stream()
                    .flatMap(layer -> layer.differences(netfilter).stream())
                    .toList();
        }
        List<RuleDifference> differences = new ArrayList<>();
        for (IpFamily family : IpFamily.values()) {
            if (iptables.containsKey(family)) {
                differences.addAll(RuleSetComparison.differences(
                        iptables.get(family), new IptablesTables(family, found.tables()).saved()));
            }
        }
        for (IpFamily family : IpFamily.values()) {
            if (own.containsKey(family)) {
                WantedTable wanted = own.get(family);
                differences.addAll(OwnTable.among(family, found.tables()).differences(wanted));
                differences.addAll(EarlierChains.differences(wanted.rules(), found.chains()));
            }
        }
        // Others may have put so much beside our rules that it is not worth keeping.
        if (differences.isEmpty() && found.bytes() <= KEPT_BYTES + KEPT_BYTES_PER_RULE * rules()) {
            asWanted.set(found.known());
        }
        return differences;
    }

    /** Sees whether the kernel would take the rules, without changing anything. */
    void check(NetfilterTables netfilter) {
        netfilter.check(first().at(netfilter.generation()).batch());
    }

    private boolean isAsWanted(Listing found) {
        Listing.Known known = asWanted.get();
        return known != null && found.isSame(known);
    }

    private int rules() {
        int rules = 0;
        for (RuleSet set : iptables.values()) {
            rules += KnownPlans.rules(set);
        }
        for (WantedTable table : own.values()) {
            rules += KnownPlans.rules(table.rules());
        }
        return rules;
    }

    private Change first() {
        Change known = first.get();
        if (known == null) {
            known = change(Listing.NONE);
            first.set(known);
        }
        return known;
    }

    private Listing list(NetfilterTables netfilter) {
        return netfilter.list(this::concerns);
    }

    private boolean concerns(KernelTable table) {
        return Stream.of(IpFamily.values())
                .anyMatch(family -> (own.containsKey(family) && isOwn(family, table))
                        || (iptables.containsKey(family) && isOfIptables(family, table)));
    }

    private static boolean isOwn(IpFamily family, KernelTable table) {
        return NetfilterTables.proto(family) == table.family() && table.name().equals(NftTable.NAME);
    }

    private static boolean isOfIptables(IpFamily family, KernelTable table) {
        return NetfilterTables.proto(family) == table.family()
                && Stream.of(Table.values()).anyMatch(known -> known.label().equals(table.name()));
    }

    /** The change of what is there: where all rules of ours go, the one that was made of such tables before. */
    private Change planned(Listing found) {
        if (rules() > 0 || found.bytes() > KEPT_BYTES) {
            return change(found);
        }
        synchronized (removals) {
            for (Removal removal : removals) {
                if (found.isSame(removal.listed())) {
                    return removal.change().at(found.generation());
                }
            }
        }
        Change change = change(found);
        synchronized (removals) {
            removals.addFirst(new Removal(found.known(), change));
            if (removals.size() > KEPT_REMOVALS) {
                removals.removeLast();
            }
        }
        return change;
    }

    private Change change(Listing found) {
        NfBatch batch =
                found.generation().isPresent() ? new NfBatch(found.generation().getAsInt()) : new NfBatch();
        Map<IpFamily, List<String>> tables = new LinkedHashMap<>();
        List<IpFamily> families = new ArrayList<>();
        for (IpFamily family : IpFamily.values()) {
            if (iptables.containsKey(family)) {
                // Tables that hold only what others do not write need not be read to be taken out.
                List<TableSnapshot> read = found.has(table -> isOfIptables(family, table)) ? found.tables() : List.of();
                tables.put(family, new IptablesTables(family, read).change(iptables.get(family), batch));
            }
            if (own.containsKey(family)) {
                WantedTable wanted = own.get(family);
                if (wanted.none()) {
                    if (found.has(table -> isOwn(family, table))) {
                        OwnTable.delete(family, batch);
                        families.add(family);
                    }
                } else {
                    OwnTable there = OwnTable.among(family, found.tables());
                    if (!there.differences(wanted).isEmpty()) {
                        there.change(wanted, batch);
                        families.add(family);
                    }
                }
            }
        }
        return new Change(batch, tables, families);
    }

    /**
     * Whether the change has to be made by the programs of iptables: where there may be something that only they can
     * judge, and where the pod has a user namespace of its own, which a thread of this process cannot enter and the
     * kernel's match for owners asks for.
     */
    private boolean byPrograms(NetfilterTables netfilter, Listing found, Change change) {
        if (!doubtful(found).isEmpty()) {
            requirePrograms(found);
            return true;
        }
        boolean adds = change.tables().entrySet().stream()
                .anyMatch(entry -> !entry.getValue().isEmpty()
                        && !iptables.get(entry.getKey()).tables().isEmpty());
        if (!adds) {
            return false;
        }
        try (UserNamespace owner = netfilter.owner()) {
            return !owner.own() && !programs.isEmpty();
        }
    }

    private List<String> doubtful(Listing found) {
        if (found.isEmpty()) {
            return List.of();
        }
        return Stream.of(IpFamily.values())
                .filter(family -> iptables.containsKey(family)
                        && !iptables.get(family).tables().isEmpty())
                .flatMap(family -> new IptablesTables(family, found.tables())
                        .doubtful(iptables.get(family)).stream().map(table -> family.label() + " table " + table))
                .toList();
    }

    private List<Layer> requirePrograms(Listing found) {
        if (programs.isEmpty()) {
            throw new UnreadableRulesException("the " + String.join(" and the ", doubtful(found))
                    + " holds rules that iptables cannot read; they were made with nft");
        }
        return programs;
    }

    /** Returns whether the kernel has made the change; not if tables have changed since they were listed. */
    private boolean transact(NetfilterTables netfilter, Listing found, Change change, Undo undo) {
        try {
            netfilter.transact(change.batch());
        } catch (RefusedException e) {
            if (e.overtaken()) {
                return false;
            }
            throw e;
        } catch (RedirectException e) {
            // Whether it was done is not known.
            undo.push(WHAT, () -> restore(netfilter, found, change));
            throw e;
        }
        undo.push(WHAT, () -> restore(netfilter, found, change));
        return true;
    }

    private static void restore(NetfilterTables netfilter, Listing before, Change change) {
        List<KernelTable> present = netfilter.tables();
        NfBatch batch = new NfBatch();
        change.tables()
                .forEach((family, names) -> new IptablesTables(family, before.tables()).restore(names, present, batch));
        change.own().forEach(family -> OwnTable.among(family, before.tables()).restore(present, batch));
        if (!batch.isEmpty()) {
            netfilter.transact(batch);
        }
    }
}
