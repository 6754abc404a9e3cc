// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.rules;

import java.util.Comparator;
import java.util.List;
import java.util.Objects;

/**
 * One rule of a chain: what it applies to, what it does, and why it is there.
 *
 * <p>The matches are kept as the kernel prints them, in its order and without those that every packet meets (a block of
 * all addresses), so that two rules that mean the same are equal whichever way they were written. The origin does not
 * take part in that comparison: the kernel does not know it.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @param matches all must apply; empty means every packet
 * @param target what is done with the packet
 * @param origin the annotation, variable or default behind the rule, for people; empty when it was read from a kernel
 * @since 0.1.0
 */
public record Rule(List<Match> matches, Target target, String origin) {
    private static final Comparator<Match> KERNEL_ORDER = Comparator.comparingInt(Rule::rank);

    public Rule {
        matches = matches.stream()
                .filter(match -> !saysNothing(match))
                .sorted(KERNEL_ORDER)
                .toList();
        Objects.requireNonNull(target, "target is null");
        Objects.requireNonNull(origin, "origin is null");
    }

    /** Returns whether both rules treat every packet alike by having the same matches and target. */
    @Override
    public boolean equals(Object other) {
        return other instanceof Rule that && matches.equals(that.matches) && target.equals(that.target);
    }

    @Override
    public int hashCode() {
        return Objects.hash(matches, target);
    }

    private static boolean saysNothing(Match match) {
        return switch (match) {
            case Match.Source(var block, var negated) -> block.prefixLength() == 0 && !negated;
            case Match.Destination(var block, var negated) -> block.prefixLength() == 0 && !negated;
            default -> false;
        };
    }

    private static int rank(Match match) {
        return switch (match) {
            case Match.Source _ -> 0;
            case Match.Destination _ -> 1;
            case Match.InInterface _ -> 2;
            case Match.OutInterface _ -> 3;
            case Match.Protocol _ -> 4;
            case Match.SourcePort _ -> 5;
            case Match.DestinationPort _ -> 6;
            case Match.DestinationPorts _ -> 7;
            case Match.UidOwner _ -> 8;
            case Match.GidOwner _ -> 9;
            case Match.ConnState _ -> 10;
            case Match.PacketMark _ -> 11;
            case Match.ConnectionMark _ -> 12;
        };
    }
}
