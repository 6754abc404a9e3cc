// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.trace;

import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.Hook;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.Match;
import dev.meshcni.rules.Rule;
import dev.meshcni.rules.Table;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The way of one packet through the rules of a pod, as netfilter walks it.
 *
 * <p>Tables are met in the order raw, mangle, nat. Only the first packet of a connection meets nat; what nat did to it
 * is done to all that follow. A packet for the pod itself leaves through the loopback device and arrives there again,
 * where raw and mangle see it a second time; nat does not, as the connection has been through it.
 *
 * @param packet the packet as it was sent, or as it arrived
 * @param steps every rule that was asked, in order
 * @param verdict what became of it
 * @param deciding the rule that led to the verdict; empty when no rule applied
 * @param zone the conntrack zone of its connection, if a rule chose one
 * @param delivered the packet as it is delivered, with the destination and marks that rules gave it
 */
public record PacketTrace(
        Packet packet, List<Step> steps, Verdict verdict, Optional<Step> deciding, OptionalInt zone, Packet delivered) {
    public PacketTrace {
        steps = List.copyOf(steps);
    }

    /** The fate of a packet. */
    public sealed interface Verdict {
        /** It goes where it was addressed to. */
        record Untouched() implements Verdict {}

        /** It goes to a port of the pod, its destination rewritten. */
        record Redirected(int port) implements Verdict {}

        /** It is handed to a socket on a port of the pod, its addresses unchanged. */
        record Tproxied(int port) implements Verdict {}

        /** It is discarded. */
        record Dropped() implements Verdict {}

        /** It goes the way that was chosen for the first packet of its connection. */
        record FollowsConnection() implements Verdict {}
    }

    /**
     * One rule that was asked.
     *
     * @param hook where on its way the packet was
     * @param table the table of the rule
     * @param chain the chain of the rule
     * @param number the rule's place in the chain, the first is 1
     * @param rule the rule
     * @param failed the first match that did not apply; empty when all did
     */
    public record Step(Hook hook, Table table, String chain, int number, Rule rule, Optional<Match> failed) {
        /** Returns whether the rule applied. */
        public boolean matched() {
            return failed.isEmpty();
        }
    }

    /**
     * Follows a packet that a process of the pod sends.
     *
     * @throws IllegalArgumentException if the rules jump to a chain that is not there, or in a circle
     */
    public static PacketTrace sent(RedirectPlan plan, PodNetwork network, Packet packet) {
        return new PacketWalk(plan, network, packet).sent();
    }

    /**
     * Follows a packet that arrives through an interface of the pod.
     *
     * @throws IllegalArgumentException if the rules jump to a chain that is not there, or in a circle
     */
    public static PacketTrace received(RedirectPlan plan, PodNetwork network, InterfaceName device, Packet packet) {
        return new PacketWalk(plan, network, packet).received(device);
    }
}
