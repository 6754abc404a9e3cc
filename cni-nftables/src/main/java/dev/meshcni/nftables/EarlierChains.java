// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.nftables;

import dev.meshcni.netfilter.NftRenderer;
import dev.meshcni.netfilter.NftTable;
import dev.meshcni.netlink.KernelChain;
import dev.meshcni.netlink.KernelChain.Base;
import dev.meshcni.netlink.NfProto;
import dev.meshcni.rules.Chain;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleDifference;
import dev.meshcni.rules.RuleDifference.Kind;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.Table;
import java.util.ArrayList;
import java.util.List;

/**
 * Chains of others that the kernel enters before those of our own table. What the first chain of type {@code nat} does
 * to a connection is final ({@code nf_nat_inet_fn} of the kernel), so there our rules see only what it leaves.
 */
public final class EarlierChains {
    private static final String NAT = "nat";

    private EarlierChains() {}

    /**
     * A difference for each chain of others that may take connections from our rules. Of two chains with the same
     * priority the one that was made last is entered first, which no listing tells.
     *
     * @param rules what our own table of a family should hold
     * @param chains all chains of the network namespace
     */
    public static List<RuleDifference> differences(RuleSet rules, List<KernelChain> chains) {
        List<RuleDifference> differences = new ArrayList<>();
        for (Chain chain : rules.tables().getOrDefault(Table.NAT, List.of())) {
            if (chain.builtIn()) {
                Base ours = BaseChains.own(Table.NAT, chain.name());
                chains.stream()
                        .filter(other -> isBefore(rules.family(), ours, other))
                        .map(other -> difference(rules.family(), chain, ours, other))
                        .forEach(differences::add);
            }
        }
        return List.copyOf(differences);
    }

    private static boolean isBefore(IpFamily family, Base ours, KernelChain other) {
        boolean sees = other.family() == NfProto.INET || other.family() == Headers.family(family);
        return sees
                && !other.table().equals(NftTable.NAME)
                && other.base()
                        .filter(base -> base.type().equals(NAT)
                                && base.hook() == ours.hook()
                                && base.priority() <= ours.priority())
                        .isPresent();
    }

    private static RuleDifference difference(IpFamily family, Chain chain, Base ours, KernelChain other) {
        String place = family.label() + " nftables " + NftRenderer.name(Table.NAT, chain.name());
        return new RuleDifference(
                Kind.MISPLACED,
                place,
                BaseChains.text(ours) + " is after chain " + other.name() + " of table " + label(other.family()) + " "
                        + other.table() + ": " + BaseChains.text(other.base().orElseThrow()));
    }

    private static String label(NfProto family) {
        return switch (family) {
            case IPV4 -> "ip";
            case IPV6 -> "ip6";
            default -> "inet";
        };
    }
}
