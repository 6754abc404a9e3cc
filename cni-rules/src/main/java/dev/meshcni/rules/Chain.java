// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.rules;

import java.util.List;
import java.util.Objects;

/**
 * A chain of a table with our rules in it.
 *
 * <p>A built-in chain ({@code PREROUTING}, {@code OUTPUT}) is shared with others: only our rules stand here. They go
 * behind what is there already, except those counted by {@code leading}, which go before it.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @param name the chain's name
 * @param leading how many of the rules, from the first, must stand before rules of others; 0 in a chain of our own
 * @param rules in the order in which the kernel evaluates them
 * @since 0.1.0
 */
public record Chain(String name, int leading, List<Rule> rules) {
    public Chain {
        Objects.requireNonNull(name, "name is null");
        rules = List.copyOf(rules);
        if (leading < 0 || leading > rules.size()) {
            throw new IllegalArgumentException("leading is " + leading + " for " + rules.size() + " rules");
        }
        if (leading > 0 && !isBuiltIn(name)) {
            throw new IllegalArgumentException(name + " is not a built-in chain, so it has no leading rules");
        }
    }

    /** Returns whether the kernel makes a chain of this name itself. */
    public static boolean isBuiltIn(String name) {
        return switch (name) {
            case "PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING" -> true;
            default -> false;
        };
    }

    /** Returns whether this chain is one of the kernel's, shared with others. */
    public boolean builtIn() {
        return isBuiltIn(name);
    }
}
