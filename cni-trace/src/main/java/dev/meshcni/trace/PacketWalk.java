// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.trace;

import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.Chain;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.ConnectionState;
import dev.meshcni.rules.Hook;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.Mark;
import dev.meshcni.rules.Match;
import dev.meshcni.rules.Rule;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.Table;
import dev.meshcni.rules.Target;
import dev.meshcni.rules.TransportProtocol;
import dev.meshcni.trace.PacketTrace.Step;
import dev.meshcni.trace.PacketTrace.Verdict;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** Walks one packet through the hooks; {@link PacketTrace} says what is modelled. */
final class PacketWalk {
    /** The kernel refuses rules whose jumps nest deeper than this, so deeper is a circle. */
    private static final int MAX_DEPTH = 64;

    private final RedirectPlan plan;
    private final RuleSet rules;
    private final PodNetwork network;
    private final Packet original;
    private final List<Step> steps = new ArrayList<>();

    private Packet packet;
    private Hook hook = Hook.PREROUTING;
    private InterfaceName device;
    private boolean tracked;
    private OptionalInt zone = OptionalInt.empty();
    private Verdict verdict = new Verdict.Untouched();
    private Optional<Step> deciding = Optional.empty();

    PacketWalk(RedirectPlan plan, PodNetwork network, Packet packet) {
        this.plan = plan;
        this.rules = plan.ruleSet(packet.family()).orElse(new RuleSet(packet.family(), Map.of()));
        this.network = network;
        this.original = packet;
        this.packet = packet;
        this.device = network.device();
    }

    PacketTrace sent() {
        hook = Hook.OUTPUT;
        device = route();
        table(Table.RAW);
        table(Table.MANGLE);
        device = route();
        natOfNewConnection();
        device = route();
        if (device.equals(InterfaceName.LOOPBACK)) {
            hook = Hook.PREROUTING;
            tracked = true;
            table(Table.RAW);
            table(Table.MANGLE);
        }
        return trace();
    }

    PacketTrace received(InterfaceName arrivedAt) {
        device = arrivedAt;
        table(Table.RAW);
        table(Table.MANGLE);
        natOfNewConnection();
        return trace();
    }

    private PacketTrace trace() {
        boolean known = original.state() == ConnectionState.ESTABLISHED;
        if (known && verdict instanceof Verdict.Untouched) {
            verdict = new Verdict.FollowsConnection();
        }
        return new PacketTrace(original, steps, verdict, deciding, zone, packet);
    }

    private void natOfNewConnection() {
        boolean asked = switch (packet.state()) {
            case NEW, RELATED -> true;
            case ESTABLISHED, INVALID, UNTRACKED -> false;
        };
        if (asked) {
            table(Table.NAT);
        }
    }

    /** The interface that the packet leaves through: marked packets are local in the routing table of the plan. */
    private InterfaceName route() {
        boolean marked = plan.routing()
                .filter(routing -> routing.mark().isIn(packet.mark()))
                .isPresent();
        boolean local = network.isLocal(packet.destination())
                || plan.localAddresses().contains(Cidr.host(packet.destination()));
        return marked || local ? InterfaceName.LOOPBACK : network.device();
    }

    private void table(Table table) {
        if (!(verdict instanceof Verdict.Dropped)) {
            rules.chain(table, hook.chain()).ifPresent(chain -> walk(table, chain, Optional.empty(), 0));
        }
    }

    /** The next step after a rule that matched. */
    private enum Next {
        RULE,
        CALLER,
        TABLE
    }

    /** Asks the rules of a chain, and returns whether one of them ended the table. */
    private boolean walk(Table table, Chain chain, Optional<Step> jump, int depth) {
        if (depth > MAX_DEPTH) {
            throw new IllegalArgumentException(table.label() + " has a jump loop through " + chain.name());
        }
        for (int i = 0; i < chain.rules().size(); i++) {
            Rule rule = chain.rules().get(i);
            Step step = new Step(hook, table, chain.name(), i + 1, rule, firstFailed(rule));
            steps.add(step);
            Next next = step.matched() ? act(step, jump, depth) : Next.RULE;
            if (next != Next.RULE) {
                return next == Next.TABLE;
            }
        }
        return false;
    }

    private Next act(Step step, Optional<Step> jump, int depth) {
        return switch (step.rule().target()) {
            case Target.Jump(String name) ->
                walk(step.table(), chainOf(step.table(), name), Optional.of(step), depth + 1) ? Next.TABLE : Next.RULE;
            case Target.Return _ -> leaveAlone(step, Next.CALLER);
            case Target.Accept _ -> leaveAlone(step, Next.TABLE);
            case Target.Drop _ -> decide(new Verdict.Dropped(), jump.orElse(step));
            case Target.Redirect(int port) -> redirect(port, jump.orElse(step));
            case Target.Tproxy(int port, int mark) -> {
                mark(mark, packet.connectionMark());
                yield decide(new Verdict.Tproxied(port), jump.orElse(step));
            }
            case Target.SetMark(int mark) -> mark(mark, packet.connectionMark());
            case Target.SetConnectionMark(Mark mark) -> mark(packet.mark(), mark.setIn(packet.connectionMark()));
            case Target.SaveMark _ -> mark(packet.mark(), packet.mark());
            case Target.RestoreMark _ -> mark(packet.connectionMark(), packet.connectionMark());
            case Target.CtZone(int chosen) -> chooseZone(chosen);
        };
    }

    private Chain chainOf(Table table, String name) {
        return rules.chain(table, name)
                .orElseThrow(() -> new IllegalArgumentException("there is no chain " + name + " in " + table.label()));
    }

    /** A socket that TPROXY assigned gets the packet, whatever nat does to the destination afterwards. */
    private Next redirect(int port, Step step) {
        boolean inside = hook == Hook.OUTPUT || device.equals(InterfaceName.LOOPBACK);
        InetAddress here = inside ? PodNetwork.loopback(packet.family()) : network.primary(packet.family());
        packet = packet.sentTo(here, port);
        return verdict instanceof Verdict.Tproxied ? Next.TABLE : decide(new Verdict.Redirected(port), step);
    }

    private Next decide(Verdict decided, Step step) {
        verdict = decided;
        deciding = Optional.of(step);
        return Next.TABLE;
    }

    private Next leaveAlone(Step step, Next next) {
        if (verdict instanceof Verdict.Untouched) {
            deciding = Optional.of(step);
        }
        return next;
    }

    private Next mark(int mark, int connectionMark) {
        packet = packet.marked(mark, connectionMark);
        return Next.RULE;
    }

    /** A connection stays in the zone that was chosen first, and loopback does not bring a new choice. */
    private Next chooseZone(int chosen) {
        if (!tracked && zone.isEmpty()) {
            zone = OptionalInt.of(chosen);
        }
        return Next.RULE;
    }

    private Optional<Match> firstFailed(Rule rule) {
        return rule.matches().stream().filter(match -> !applies(match)).findFirst();
    }

    private boolean applies(Match match) {
        boolean sending = hook == Hook.OUTPUT;
        return switch (match) {
            case Match.Source(Cidr block, boolean negated) -> block.contains(packet.source()) != negated;
            case Match.Destination(Cidr block, boolean negated) -> block.contains(packet.destination()) != negated;
            case Match.InInterface(InterfaceName name, boolean negated) -> (!sending && device.equals(name)) != negated;
            case Match.OutInterface(InterfaceName name, boolean negated) -> (sending && device.equals(name)) != negated;
            case Match.Protocol(TransportProtocol protocol) -> packet.protocol() == protocol;
            case Match.SourcePort(int port, boolean negated) -> (packet.sourcePort() == port) != negated;
            case Match.DestinationPort(int port, boolean negated) -> (packet.destinationPort() == port) != negated;
            case Match.DestinationPorts(List<Integer> ports, boolean negated) ->
                ports.contains(packet.destinationPort()) != negated;
            case Match.UidOwner(long uid, boolean negated) ->
                (sending && packet.uid().isPresent() && packet.uid().getAsLong() == uid) != negated;
            case Match.GidOwner(long gid, boolean negated) ->
                (sending && packet.gid().isPresent() && packet.gid().getAsLong() == gid) != negated;
            case Match.ConnState(var states) -> states.contains(packet.state());
            case Match.PacketMark(Mark mark, boolean negated) -> mark.isIn(packet.mark()) != negated;
            case Match.ConnectionMark(Mark mark, boolean negated) -> mark.isIn(packet.connectionMark()) != negated;
        };
    }
}
