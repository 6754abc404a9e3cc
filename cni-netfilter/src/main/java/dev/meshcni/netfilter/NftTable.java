// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netfilter;

import dev.meshcni.rules.IpFamily;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A table of nf_tables, as meant or as found, in one canonical notation: two tables that treat every packet alike by
 * having the same chains and rules are equal.
 *
 * @param family the family whose packets it sees ({@code ip} or {@code ip6})
 * @param chains in the order in which they are made
 * @param others sets, maps and other foreign objects: we create none
 */
public record NftTable(IpFamily family, List<NftChain> chains, List<String> others) {
    /** The name of our table. */
    public static final String NAME = "istio-proxy";

    /**
     * The priority of its chains of type {@code nat}: one before {@code dstnat}, where the tables of iptables are
     * entered, so that no redirection of others there comes first.
     */
    public static final int NAT_PRIORITY = -101;

    /**
     * A chain.
     *
     * @param hook where the kernel enters it, such as {@code type nat hook output priority -101}; empty for a chain
     *     that only others jump to
     */
    public record NftChain(String name, String hook, List<NftRule> rules) {
        public NftChain {
            Objects.requireNonNull(name, "name is null");
            Objects.requireNonNull(hook, "hook is null");
            rules = List.copyOf(rules);
        }
    }

    /**
     * A rule. Counters are not part of it.
     *
     * @param matches what the packet must be; empty for every packet
     * @param action what is done with it
     */
    public record NftRule(String matches, String action) {
        public NftRule {
            Objects.requireNonNull(matches, "matches is null");
            Objects.requireNonNull(action, "action is null");
        }

        @Override
        public String toString() {
            return matches.isEmpty() ? action : matches + " " + action;
        }
    }

    public NftTable {
        Objects.requireNonNull(family, "family is null");
        chains = List.copyOf(chains);
        others = List.copyOf(others);
    }

    /** The chain of a name. */
    public Optional<NftChain> chain(String name) {
        return chains.stream().filter(chain -> chain.name().equals(name)).findFirst();
    }

    /** The family's name in nft: {@code ip} or {@code ip6}. */
    public static String label(IpFamily family) {
        return switch (family) {
            case IPV4 -> "ip";
            case IPV6 -> "ip6";
        };
    }

    /** The table's name with its family, as {@code nft} commands take it: {@code ip istio-proxy}. */
    public static String name(IpFamily family) {
        return label(family) + " " + NAME;
    }
}
