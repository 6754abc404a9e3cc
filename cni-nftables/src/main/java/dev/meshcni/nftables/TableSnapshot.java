// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.nftables;

import dev.meshcni.netlink.KernelChain;
import dev.meshcni.netlink.KernelObject;
import dev.meshcni.netlink.KernelRule;
import dev.meshcni.netlink.KernelSet;
import dev.meshcni.netlink.KernelTable;
import dev.meshcni.netlink.SetElement;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A table of nf_tables with all that is in it at one moment.
 *
 * @param chains in the order in which they were made
 * @param rules in the order of their chains
 * @param sets with their elements, in the order in which they were made
 * @param objects stateful objects and flow tables
 */
public record TableSnapshot(
        KernelTable table,
        List<KernelChain> chains,
        List<KernelRule> rules,
        Map<KernelSet, List<SetElement>> sets,
        List<KernelObject> objects) {
    public TableSnapshot {
        Objects.requireNonNull(table, "table is null");
        chains = List.copyOf(chains);
        rules = List.copyOf(rules);
        sets = new LinkedHashMap<>(sets);
        objects = List.copyOf(objects);
    }

    /** The rules of a chain, in their order. */
    public List<KernelRule> rules(String chain) {
        return rules.stream().filter(rule -> rule.chain().equals(chain)).toList();
    }

    boolean hasChain(String name) {
        return chains.stream().anyMatch(chain -> chain.name().equals(name));
    }
}
