// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netfilter;

import dev.meshcni.netfilter.NftTable.NftChain;
import dev.meshcni.netfilter.NftTable.NftRule;
import dev.meshcni.rules.RuleDifference;
import dev.meshcni.rules.RuleDifference.Kind;
import dev.meshcni.rules.RuleSet;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Compares the expected nf_tables table with the output of {@code nft}. The table is ours alone: nothing else may be in
 * it.
 */
public final class NftTableComparison {
    private NftTableComparison() {}

    /**
     * All differences in one family.
     *
     * @param wanted the rules of the family; one without tables if there should be none
     * @param found our table; empty if there is none
     */
    public static List<RuleDifference> differences(RuleSet wanted, Optional<NftTable> found) {
        String place = wanted.family().label() + " nftables";
        String name = "table " + NftTable.name(wanted.family());
        boolean none = wanted.tables().isEmpty();
        if (found.isEmpty()) {
            return none ? List.of() : List.of(new RuleDifference(Kind.MISSING, place, name));
        }
        if (none) {
            return List.of(new RuleDifference(Kind.UNEXPECTED, place, name));
        }
        return differences(place, NftRenderer.table(wanted), found.get());
    }

    private static List<RuleDifference> differences(String place, NftTable wanted, NftTable found) {
        List<RuleDifference> differences = new ArrayList<>();
        for (NftChain chain : wanted.chains()) {
            Optional<NftChain> there = found.chain(chain.name());
            if (there.isEmpty()) {
                differences.add(new RuleDifference(Kind.MISSING, place, "chain " + chain.name()));
            } else {
                differences.addAll(differences(place + " " + chain.name(), chain, there.get()));
            }
        }
        found.chains().stream()
                .filter(chain -> wanted.chain(chain.name()).isEmpty())
                .forEach(chain -> differences.add(new RuleDifference(Kind.UNEXPECTED, place, "chain " + chain.name())));
        found.others().forEach(other -> differences.add(new RuleDifference(Kind.UNEXPECTED, place, other)));
        return List.copyOf(differences);
    }

    private static List<RuleDifference> differences(String place, NftChain wanted, NftChain found) {
        List<RuleDifference> differences = new ArrayList<>();
        if (!wanted.hook().equals(found.hook())) {
            differences.add(new RuleDifference(Kind.MISSING, place, wanted.hook()));
        }
        differences.addAll(OrderedRules.differences(place, "", texts(wanted), texts(found)));
        return differences;
    }

    private static List<String> texts(NftChain chain) {
        return chain.rules().stream().map(NftRule::toString).toList();
    }
}
