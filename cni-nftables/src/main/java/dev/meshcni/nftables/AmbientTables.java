// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.nftables;

import dev.meshcni.netfilter.IptablesSave;
import dev.meshcni.netfilter.RuleSetComparison;
import dev.meshcni.netfilter.SavedRule;
import dev.meshcni.netlink.KernelChain;
import dev.meshcni.netlink.KernelTable;
import dev.meshcni.netlink.NfBatch;
import dev.meshcni.netlink.NfProto;
import dev.meshcni.netlink.NfTables;
import dev.meshcni.rules.Chain;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleDifference;
import dev.meshcni.rules.RuleDifference.Kind;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.Table;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The tables that Istio's node agent makes in an ambient pod when it uses nftables: {@code istio-ambient-nat},
 * {@code istio-ambient-mangle} and {@code istio-ambient-raw}, of the family {@code inet}. We make none of these; they
 * are read, compared and taken out.
 *
 * @param tables those that are there
 */
public record AmbientTables(List<TableSnapshot> tables) {
    private static final String PREFIX = "istio-ambient-";

    public AmbientTables {
        tables = tables.stream().filter(table -> isOne(table.table())).toList();
    }

    /** Returns whether a table is one of these. */
    public static boolean isOne(KernelTable table) {
        return table.family() == NfProto.INET
                && Stream.of(Table.values()).anyMatch(known -> name(known).equals(table.name()));
    }

    /** Returns whether there are none. */
    public boolean isEmpty() {
        return tables.isEmpty();
    }

    /** A difference for each table, for a pod that should have none. */
    public List<RuleDifference> unexpected() {
        return tables.stream()
                .map(table -> new RuleDifference(
                        Kind.UNEXPECTED,
                        "nftables",
                        "table inet " + table.table().name()))
                .toList();
    }

    /** The differences from rules that a pod should have; a rule for a family that has none is one as well. */
    public List<RuleDifference> differences(List<RuleSet> wanted) {
        List<RuleDifference> differences = new ArrayList<>();
        tables.forEach(table -> differences.addAll(objections(table)));
        for (RuleSet rules : wanted) {
            differences.addAll(RuleSetComparison.differences(rules, saved(rules.family())));
        }
        Set<IpFamily> families = wanted.stream().map(RuleSet::family).collect(Collectors.toSet());
        for (TableSnapshot table : tables) {
            table.rules().stream()
                    .map(rule -> InetRuleReader.read(rule, AmbientTables::iptablesName))
                    .filter(rule -> rule.family()
                            .filter(family -> !families.contains(family))
                            .isPresent())
                    .forEach(rule -> differences.add(new RuleDifference(
                            Kind.UNEXPECTED,
                            rule.family().orElseThrow().label() + " "
                                    + table.table().name(),
                            rule.rule().text())));
        }
        return List.copyOf(differences);
    }

    /** Adds to a batch what takes the tables out. */
    public void delete(NfBatch batch) {
        tables.forEach(
                table -> batch.add(() -> "deleting the table " + table.table().name(), NfTables.delete(table.table())));
    }

    /**
     * Adds to a batch what puts the tables back.
     *
     * @param present the tables that are there now
     */
    public void restore(List<KernelTable> present, NfBatch batch) {
        for (TableSnapshot table : tables) {
            boolean there = present.stream()
                    .anyMatch(found -> found.family() == table.table().family()
                            && found.name().equals(table.table().name()));
            if (!there) {
                Restoration.add(batch, table);
            }
        }
    }

    /** What is wrong with a table beside its rules: where its chains are entered, and whatever else is in it. */
    private static List<RuleDifference> objections(TableSnapshot table) {
        String place = "nftables " + table.table().name();
        Table known = Stream.of(Table.values())
                .filter(candidate -> name(candidate).equals(table.table().name()))
                .findFirst()
                .orElseThrow();
        List<RuleDifference> objections = new ArrayList<>();
        for (KernelChain chain : table.chains()) {
            String name = iptablesName(chain.name());
            if (name.equals(chain.name())) {
                objections.add(new RuleDifference(Kind.UNEXPECTED, place, "chain " + chain.name()));
            } else if (Chain.isBuiltIn(name)
                    && chain.base().filter(BaseChains.of(known, name)::equals).isEmpty()) {
                String hook = BaseChains.text(BaseChains.of(known, name));
                objections.add(new RuleDifference(Kind.MISSING, place + " " + chain.name(), hook));
            }
        }
        table.sets().keySet().forEach(set -> objections.add(new RuleDifference(Kind.UNEXPECTED, place, set.name())));
        table.objects().forEach(object -> objections.add(new RuleDifference(Kind.UNEXPECTED, place, object.name())));
        if (table.table().flags() != 0) {
            objections.add(new RuleDifference(
                    Kind.UNEXPECTED, place, "flags " + table.table().flags()));
        }
        return objections;
    }

    /** The rules that packets of a family meet, as {@code iptables-save} would print them. */
    private IptablesSave saved(IpFamily family) {
        Map<String, Map<String, List<SavedRule>>> saved = new LinkedHashMap<>();
        for (TableSnapshot table : tables) {
            Map<String, List<SavedRule>> chains = new LinkedHashMap<>();
            for (KernelChain chain : table.chains()) {
                chains.put(
                        iptablesName(chain.name()),
                        table.rules(chain.name()).stream()
                                .map(rule -> InetRuleReader.read(rule, AmbientTables::iptablesName))
                                .filter(rule -> rule.concerns(family))
                                .map(InetRule::rule)
                                .toList());
            }
            saved.put(table.table().name().substring(PREFIX.length()), chains);
        }
        return new IptablesSave(saved, Set.of(), Set.of());
    }

    private static String name(Table table) {
        return PREFIX + table.label();
    }

    /** What the chain is called where Istio's node agent uses iptables; its own name if it is none of Istio's. */
    private static String iptablesName(String chain) {
        return switch (chain) {
            case "prerouting", "output" -> chain.toUpperCase(Locale.ROOT);
            case "istio-prerouting" -> "ISTIO_PRERT";
            case "istio-output" -> "ISTIO_OUTPUT";
            default -> chain;
        };
    }
}
