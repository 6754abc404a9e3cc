// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netfilter;

import dev.meshcni.rules.Chain;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.Match;
import dev.meshcni.rules.Rule;
import dev.meshcni.rules.Table;
import dev.meshcni.rules.Target;
import java.util.List;
import java.util.Set;

/**
 * Tells rules of ours from rules of others in what a namespace holds.
 *
 * <p>Chains of ours are known by their name, and rules that lead to them by their target. A few rules of ours stand
 * alone in built-in chains: they carry no sign of ours, because they have to be the same as Istio's, so they are known
 * by their shape.
 */
final class OwnRules {
    private static final String CHAIN_PREFIX = "ISTIO_";

    /** Targets that end the traversal of a built-in chain of the nat table. */
    private static final Set<String> DECIDING = Set.of(
            "ACCEPT",
            "DROP",
            "REJECT",
            "RETURN",
            "REDIRECT",
            "DNAT",
            "SNAT",
            "MASQUERADE",
            "NETMAP",
            "QUEUE",
            "NFQUEUE");

    /**
     * Prefixes of the chains of other meshes: Linkerd's, Kuma's and Consul's, which redirect whatever comes to them.
     */
    private static final List<String> OTHER_MESHES = List.of("PROXY_INIT_", "KUMA_MESH_", "CONSUL_PROXY_");

    private OwnRules() {}

    static boolean ownsChain(String name) {
        return name.startsWith(CHAIN_PREFIX);
    }

    /**
     * Returns whether a rule in a chain that is not ours is ours.
     *
     * @param wanted our rules for the same chain, which are ours whatever their shape
     */
    static boolean owns(Table table, String chain, SavedRule saved, List<Rule> wanted) {
        if (ownsChain(saved.target())) {
            return true;
        }
        return saved instanceof SavedRule.Known(var rule)
                && Chain.isBuiltIn(chain)
                && (wanted.contains(rule) || hasShapeOfOurs(table, rule));
    }

    /**
     * Returns whether a rule of others decides what happens to packets that it matches, so that no rule behind it sees
     * them. Only in nat does that keep a packet from being redirected: in mangle and raw, our rules prepare packets
     * that others have let pass.
     */
    static boolean decidesFirst(Table table, SavedRule saved) {
        return table == Table.NAT
                && (DECIDING.contains(saved.target()) || OTHER_MESHES.stream().anyMatch(saved.target()::startsWith));
    }

    private static boolean hasShapeOfOurs(Table table, Rule rule) {
        return switch (table) {
            case RAW -> false;
            case MANGLE -> isInterfaceExemption(rule) || isTproxyMarking(rule);
            case NAT -> isInterfaceExemption(rule);
        };
    }

    /** {@code -i NAME -j RETURN}: an excluded or a virtual interface. */
    private static boolean isInterfaceExemption(Rule rule) {
        if (!(rule.target() instanceof Target.Return) || rule.matches().size() != 1) {
            return false;
        }
        return switch (rule.matches().getFirst()) {
            case Match.InInterface in -> !in.negated();
            case Match.OutInterface out -> !out.negated();
            default -> false;
        };
    }

    private static boolean isTproxyMarking(Rule rule) {
        boolean packetMark = rule.matches().stream()
                .anyMatch(match -> match instanceof Match.PacketMark marked
                        && marked.mark().isWhole());
        boolean lo = rule.matches().contains(new Match.OutInterface(InterfaceName.LOOPBACK, false));
        return switch (rule.target()) {
            case Target.SaveMark _ -> packetMark;
            case Target.RestoreMark _ ->
                rule.matches().stream()
                        .anyMatch(match -> match instanceof Match.ConnectionMark marked
                                && marked.mark().isWhole());
            case Target.Return _ -> packetMark && lo;
            case Target.SetMark _ -> lo && (has(rule, Match.UidOwner.class) || has(rule, Match.GidOwner.class));
            default -> false;
        };
    }

    private static boolean has(Rule rule, Class<? extends Match> kind) {
        return rule.matches().stream().anyMatch(kind::isInstance);
    }
}
