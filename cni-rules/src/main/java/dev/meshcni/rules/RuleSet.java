// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.rules;

import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * All rules of ours for one address family: the single truth behind every rendering, trace and check.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @param family the family whose packets these rules see
 * @param tables chains by table; a table that has none of ours is absent
 * @since 0.1.0
 */
public record RuleSet(IpFamily family, Map<Table, List<Chain>> tables) {
    public RuleSet {
        Objects.requireNonNull(family, "family is null");
        Map<Table, List<Chain>> copy = new EnumMap<>(Table.class);
        tables.forEach((table, chains) -> {
            if (!chains.isEmpty()) {
                copy.put(table, List.copyOf(chains));
            }
        });
        tables = Collections.unmodifiableMap(copy);
    }

    /** The chain of a name in a table, if we have rules for it or made it. */
    public Optional<Chain> chain(Table table, String name) {
        return tables.getOrDefault(table, List.of()).stream()
                .filter(chain -> chain.name().equals(name))
                .findFirst();
    }

    /** The number of rules in all chains of all tables. */
    public int ruleCount() {
        return tables.values().stream()
                .flatMap(List::stream)
                .mapToInt(chain -> chain.rules().size())
                .sum();
    }
}
