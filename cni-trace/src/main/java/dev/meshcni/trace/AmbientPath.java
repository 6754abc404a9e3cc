// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.trace;

import dev.meshcni.redirect.AmbientOptions;
import dev.meshcni.redirect.AmbientRules;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.Hook;
import dev.meshcni.rules.Match;
import dev.meshcni.trace.PacketTrace.Step;
import dev.meshcni.trace.PacketTrace.Verdict;

/** Which way a packet of an ambient pod takes. */
public enum AmbientPath {
    /** To a listener of ztunnel, whatever its destination. */
    CAPTURED("captured by ztunnel"),
    /** Sent by ztunnel itself. */
    FROM_ZTUNNEL("sent by ztunnel, direct"),
    /** A tunnel of a peer, which asks for ztunnel's port by itself. */
    TUNNEL("tunnel (HBONE) to ztunnel, direct"),
    /** From the kubelet, or to it. */
    PROBE("probe, direct"),
    /** Where it was addressed to. */
    DIRECT("direct"),
    /** Nowhere. */
    DROPPED("dropped");

    private final String description;

    AmbientPath(String description) {
        this.description = description;
    }

    /** The way in words. */
    public String description() {
        return description;
    }

    /** The way of a packet by its trace. */
    public static AmbientPath of(PacketTrace trace, AmbientOptions options) {
        return switch (trace.verdict()) {
            case Verdict.Redirected _, Verdict.Tproxied _ -> CAPTURED;
            case Verdict.Dropped _ -> DROPPED;
            case Verdict.Untouched _, Verdict.FollowsConnection _ -> direct(trace, options);
        };
    }

    private static AmbientPath direct(PacketTrace trace, AmbientOptions options) {
        Packet packet = trace.packet();
        if (AmbientRules.ZTUNNEL.isIn(packet.mark())) {
            return FROM_ZTUNNEL;
        }
        if (trace.deciding().filter(step -> isOfProbes(step, packet, options)).isPresent()) {
            return PROBE;
        }
        boolean inbound = trace.steps().stream().limit(1).anyMatch(step -> step.hook() == Hook.PREROUTING);
        return inbound && packet.destinationPort() == AmbientRules.TUNNEL_PORT ? TUNNEL : DIRECT;
    }

    private static boolean isOfProbes(Step step, Packet packet, AmbientOptions options) {
        Cidr probe = options.node().probe(packet.family());
        return step.rule().matches().contains(new Match.Source(probe, false))
                || step.rule().matches().contains(new Match.Destination(probe, false));
    }
}
