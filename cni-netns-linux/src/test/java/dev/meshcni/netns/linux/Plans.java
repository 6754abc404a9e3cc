// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.redirect.AmbientOptions;
import dev.meshcni.redirect.AmbientRules;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.Chain;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.ConnectionState;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.Match;
import dev.meshcni.rules.Rule;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.Table;
import dev.meshcni.rules.Target;
import dev.meshcni.rules.TransportProtocol;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** Plans as a pod gets them, written out by hand: what the recordings of Istio's own rules show. */
final class Plans {
    private static final Match TCP = new Match.Protocol(TransportProtocol.TCP);
    private static final Match UDP = new Match.Protocol(TransportProtocol.UDP);
    private static final Match TO_LO = new Match.OutInterface(InterfaceName.LOOPBACK, false);
    private static final Target RETURN = new Target.Return();
    private static final int MARK = 1337;

    private Plans() {}

    /** All defaults, with REDIRECT. */
    static RedirectPlan redirect(IpFamily... families) {
        return plan(Optional.empty(), families, family -> Map.of(Table.NAT, nat(family, List.of(), true)));
    }

    /** With ports, no two of which touch, and blocks that are excluded. */
    static RedirectPlan excluding(int ports, int blocks, IpFamily... families) {
        return plan(Optional.empty(), families, family -> {
            List<Rule> exclusions = new ArrayList<>();
            for (int port = 20_000; port < 20_000 + 2 * ports; port += 2) {
                exclusions.add(rule(RETURN, TCP, dport(port)));
                exclusions.add(rule(RETURN, UDP, dport(port)));
            }
            for (int block = 0; block < blocks; block++) {
                String text = family == IpFamily.IPV4
                        ? "10." + block / 250 + "." + block % 250 + ".0/24"
                        : "2001:db8:" + Integer.toHexString(block) + "::/48";
                exclusions.add(rule(RETURN, new Match.Destination(Cidr.parse(text), false)));
            }
            return Map.of(Table.NAT, nat(family, exclusions, true));
        });
    }

    /** TPROXY inbound. */
    static RedirectPlan tproxy(IpFamily... families) {
        return plan(
                Optional.of(new RedirectPlan.TproxyRouting(MARK, 133)),
                families,
                family -> Map.of(Table.MANGLE, mangle(family), Table.NAT, nat(family, List.of(), false)));
    }

    /** REDIRECT, and DNS to one resolver captured, INVALID packets dropped, a virtual interface, owner groups. */
    static RedirectPlan everything(IpFamily... families) {
        return plan(Optional.empty(), families, Plans::everything);
    }

    /** For ztunnel, with all that an ambient pod can ask for. */
    static RedirectPlan ambient(IpFamily... families) {
        AmbientOptions options =
                new AmbientOptions(true, "", false, List.of(new InterfaceName("eth9")), AmbientOptions.Node.STANDARD);
        return AmbientRules.compile(options, Set.of(families));
    }

    private static Map<Table, List<Chain>> everything(IpFamily family) {
        Cidr resolver = Cidr.parse(family == IpFamily.IPV4 ? "127.0.0.53" : "fd00::53");
        Match toResolver = new Match.Destination(resolver, false);
        Match owner = new Match.UidOwner(1337, false);
        List<Chain> nat = new ArrayList<>();
        nat.add(new Chain(
                "PREROUTING",
                2,
                List.of(
                        rule(new Target.Jump("ISTIO_REDIRECT"), in("eth9")),
                        rule(RETURN, in("eth9")),
                        rule(RETURN, in("eth8")),
                        jump("ISTIO_INBOUND", TCP))));
        nat.addAll(nat(
                        family,
                        List.of(
                                rule(
                                        new Target.Jump("ISTIO_IN_REDIRECT"),
                                        TO_LO,
                                        new Match.Destination(loopback(family), true),
                                        TCP,
                                        new Match.DestinationPorts(List.of(53, 15008), true),
                                        owner),
                                rule(RETURN, TO_LO, TCP, new Match.DestinationPort(53, true), uidNot(1337)),
                                rule(RETURN, new Match.GidOwner(201, true), new Match.GidOwner(202, true)),
                                jump("ISTIO_OUTPUT_DNS")),
                        true)
                .stream()
                .filter(chain -> !chain.name().equals("PREROUTING"))
                .toList());
        nat.add(new Chain(
                "ISTIO_OUTPUT_DNS",
                0,
                List.of(
                        rule(new Target.Redirect(15053), TCP, dport(53), toResolver),
                        rule(new Target.Redirect(15053), UDP, dport(53), toResolver))));
        List<Chain> raw = List.of(
                new Chain("PREROUTING", 0, List.of(jump("ISTIO_INBOUND"))),
                new Chain("OUTPUT", 0, List.of(jump("ISTIO_OUTPUT_DNS"))),
                new Chain(
                        "ISTIO_OUTPUT_DNS",
                        0,
                        List.of(
                                rule(new Target.CtZone(1), UDP, dport(53), owner),
                                rule(new Target.CtZone(2), UDP, new Match.SourcePort(15053, false), owner),
                                rule(new Target.CtZone(2), UDP, dport(53), toResolver))),
                new Chain(
                        "ISTIO_INBOUND",
                        0,
                        List.of(rule(
                                new Target.CtZone(1),
                                UDP,
                                new Match.SourcePort(53, false),
                                new Match.Source(resolver, false)))));
        List<Chain> mangle = List.of(
                new Chain(
                        "PREROUTING",
                        0,
                        List.of(rule(
                                new Target.Jump("ISTIO_DROP"), new Match.ConnState(Set.of(ConnectionState.INVALID))))),
                new Chain("ISTIO_DROP", 0, List.of(rule(new Target.Drop()))));
        Map<Table, List<Chain>> tables = new EnumMap<>(Table.class);
        tables.put(Table.RAW, raw);
        tables.put(Table.MANGLE, mangle);
        tables.put(Table.NAT, nat);
        return tables;
    }

    private static List<Chain> mangle(IpFamily family) {
        Match marked = new Match.PacketMark(MARK, false);
        Match notLoopback = new Match.Destination(loopback(family), true);
        Match established = new Match.ConnState(Set.of(ConnectionState.RELATED, ConnectionState.ESTABLISHED));
        List<Rule> inbound = new ArrayList<>();
        inbound.add(rule(RETURN, TCP, marked));
        inbound.add(rule(RETURN, TCP, new Match.Source(passthrough(family), false), in("lo")));
        inbound.add(rule(RETURN, TCP, in("lo"), new Match.PacketMark(1338, true)));
        Stream.of(15020, 15021, 15090)
                .map(port -> rule(RETURN, TCP, dport(port)))
                .forEach(inbound::add);
        inbound.add(jump("ISTIO_DIVERT", TCP, established));
        inbound.add(jump("ISTIO_TPROXY", TCP));
        return List.of(
                new Chain(
                        "PREROUTING", 0, List.of(jump("ISTIO_INBOUND", TCP), rule(new Target.SaveMark(), TCP, marked))),
                new Chain(
                        "OUTPUT",
                        0,
                        List.of(
                                rule(RETURN, TCP, TO_LO, marked),
                                rule(
                                        new Target.SetMark(1338),
                                        notLoopback,
                                        TCP,
                                        TO_LO,
                                        new Match.UidOwner(1337, false)),
                                rule(
                                        new Target.SetMark(1338),
                                        notLoopback,
                                        TCP,
                                        TO_LO,
                                        new Match.GidOwner(1337, false)),
                                rule(new Target.RestoreMark(), TCP, new Match.ConnectionMark(MARK, false)))),
                new Chain("ISTIO_DIVERT", 0, List.of(rule(new Target.SetMark(MARK)), rule(new Target.Accept()))),
                new Chain("ISTIO_TPROXY", 0, List.of(rule(new Target.Tproxy(15006, MARK), notLoopback, TCP))),
                new Chain("ISTIO_INBOUND", 0, inbound));
    }

    private static List<Chain> nat(IpFamily family, Collection<Rule> first, boolean redirectInbound) {
        Match notLoopback = new Match.Destination(loopback(family), true);
        Match notTunnel = new Match.DestinationPort(15008, true);
        List<Rule> output = new ArrayList<>(first);
        output.add(rule(RETURN, TCP, dport(15020)));
        output.add(rule(RETURN, TO_LO, new Match.Source(passthrough(family), false)));
        for (boolean user : List.of(true, false)) {
            Match proxy = user ? new Match.UidOwner(1337, false) : new Match.GidOwner(1337, false);
            Match notProxy = user ? uidNot(1337) : new Match.GidOwner(1337, true);
            output.add(jump("ISTIO_IN_REDIRECT", TO_LO, notLoopback, TCP, notTunnel, proxy));
            output.add(rule(RETURN, TO_LO, notProxy));
            output.add(rule(RETURN, proxy));
        }
        output.add(rule(RETURN, new Match.Destination(loopback(family), false)));
        output.add(jump("ISTIO_REDIRECT"));
        List<Rule> inbound = new ArrayList<>();
        inbound.add(rule(RETURN, TCP, dport(15008)));
        List<Chain> chains = new ArrayList<>();
        if (redirectInbound) {
            chains.add(new Chain("PREROUTING", 0, List.of(jump("ISTIO_INBOUND", TCP))));
            Stream.of(15020, 15021, 15090)
                    .map(port -> rule(RETURN, TCP, dport(port)))
                    .forEach(inbound::add);
            inbound.add(jump("ISTIO_IN_REDIRECT", TCP));
        }
        chains.add(new Chain("OUTPUT", 0, List.of(jump("ISTIO_OUTPUT"))));
        chains.add(new Chain("ISTIO_INBOUND", 0, inbound));
        chains.add(new Chain("ISTIO_REDIRECT", 0, List.of(rule(new Target.Redirect(15001), TCP))));
        chains.add(new Chain("ISTIO_IN_REDIRECT", 0, List.of(rule(new Target.Redirect(15006), TCP))));
        chains.add(new Chain("ISTIO_OUTPUT", 0, output));
        return chains;
    }

    private interface Tables {
        Map<Table, List<Chain>> of(IpFamily family);
    }

    private static RedirectPlan plan(Optional<RedirectPlan.TproxyRouting> routing, IpFamily[] families, Tables tables) {
        List<RuleSet> sets = Stream.of(families)
                .map(family -> new RuleSet(family, tables.of(family)))
                .toList();
        boolean ipv6 = List.of(families).contains(IpFamily.IPV6);
        return new RedirectPlan(sets, ipv6 ? List.of(Cidr.parse("::6/128")) : List.of(), routing);
    }

    private static Cidr loopback(IpFamily family) {
        return Cidr.parse(family == IpFamily.IPV4 ? "127.0.0.1/32" : "::1/128");
    }

    private static Cidr passthrough(IpFamily family) {
        return Cidr.parse(family == IpFamily.IPV4 ? "127.0.0.6/32" : "::6/128");
    }

    private static Match dport(int port) {
        return new Match.DestinationPort(port, false);
    }

    private static Match uidNot(long uid) {
        return new Match.UidOwner(uid, true);
    }

    private static Match in(String name) {
        return new Match.InInterface(new InterfaceName(name), false);
    }

    private static Rule jump(String chain, Match... matches) {
        return rule(new Target.Jump(chain), matches);
    }

    private static Rule rule(Target target, Match... matches) {
        return new Rule(List.of(matches), target, "");
    }
}
