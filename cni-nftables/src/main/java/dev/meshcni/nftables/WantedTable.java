// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.nftables;

import dev.meshcni.rules.RuleSet;
import java.util.Objects;

/**
 * What our own table of one address family should hold, compiled once for all that is done with it.
 *
 * @param rules the rules; without any there should be no table
 * @param compiled the table that holds them
 */
public record WantedTable(RuleSet rules, TableSnapshot compiled) {
    public WantedTable {
        Objects.requireNonNull(rules, "rules is null");
        Objects.requireNonNull(compiled, "compiled is null");
    }

    /** The table for rules. */
    public static WantedTable of(RuleSet rules) {
        return new WantedTable(rules, OwnTable.compile(rules));
    }

    /** Returns whether there should be no table. */
    public boolean none() {
        return rules.tables().isEmpty();
    }
}
