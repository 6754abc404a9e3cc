// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.rules.Chain;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.Match;
import dev.meshcni.rules.Rule;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.Table;
import dev.meshcni.rules.Target;
import dev.meshcni.rules.TransportProtocol;
import java.util.List;
import java.util.Map;

/** Rules with each of the extensions that every pod needs, to try what a node can do. */
final class SampleRules {
    private SampleRules() {}

    /** In a namespace that is thrown away; a process that may not make one has the kernel check the rules instead. */
    static void attempt(NetlinkLayer sample, boolean throwaway) {
        if (throwaway) {
            NetworkNamespace.insideNew(() -> {
                try (NetfilterTables netfilter = new NetfilterTables()) {
                    sample.apply(netfilter, new Undo(), _ -> {});
                }
                return null;
            });
        } else {
            try (NetfilterTables netfilter = new NetfilterTables()) {
                sample.check(netfilter);
            }
        }
    }

    static RuleSet of(IpFamily family) {
        String loopback = switch (family) {
            case IPV4 -> "127.0.0.1/32";
            case IPV6 -> "::1/128";
        };
        Rule jump = new Rule(List.of(), new Target.Jump("ISTIO_OUTPUT"), "");
        Rule redirect = new Rule(
                List.of(
                        new Match.Destination(Cidr.parse(loopback), true),
                        new Match.OutInterface(InterfaceName.LOOPBACK, false),
                        new Match.Protocol(TransportProtocol.TCP),
                        new Match.DestinationPort(15008, true),
                        new Match.UidOwner(1337, false)),
                new Target.Redirect(15006),
                "");
        return new RuleSet(
                family,
                Map.of(
                        Table.NAT,
                        List.of(
                                new Chain("OUTPUT", 0, List.of(jump)),
                                new Chain("ISTIO_OUTPUT", 0, List.of(redirect)))));
    }
}
