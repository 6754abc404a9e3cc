// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.nftables;

import dev.meshcni.netfilter.SavedRule;
import dev.meshcni.rules.IpFamily;
import java.util.Objects;
import java.util.Optional;

/**
 * A rule in a table of the family {@code inet}, which sees packets of IPv4 and IPv6.
 *
 * @param family the family of the packets that it matches; empty if it does not ask
 * @param rule what it does, in words of iptables
 */
record InetRule(Optional<IpFamily> family, SavedRule rule) {
    InetRule {
        Objects.requireNonNull(family, "family is null");
        Objects.requireNonNull(rule, "rule is null");
    }

    /** Returns whether it can match packets of a family. */
    boolean concerns(IpFamily asked) {
        return family.isEmpty() || family.get() == asked;
    }
}
