// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.rules;

import java.net.InetAddress;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/** Rules as text, as shown in trees, diagrams and explanations. */
public final class RuleText {
    private RuleText() {}

    /** The condition of a rule, such as "tcp, to port 15008"; "everything" for a rule without matches. */
    public static String condition(Rule rule) {
        return rule.matches().isEmpty()
                ? "everything"
                : rule.matches().stream()
                        .sorted(Comparator.comparing(match -> !(match instanceof Match.Protocol)))
                        .map(RuleText::match)
                        .collect(Collectors.joining(", "));
    }

    public static String match(Match match) {
        return switch (match) {
            case Match.Source(Cidr block, boolean negated) -> not(negated) + "from " + block(block);
            case Match.Destination(Cidr block, boolean negated) -> not(negated) + "to " + block(block);
            case Match.InInterface(InterfaceName name, boolean negated) -> not(negated) + "in through " + name;
            case Match.OutInterface(InterfaceName name, boolean negated) -> not(negated) + "out through " + name;
            case Match.Protocol(TransportProtocol protocol) -> protocol.label();
            case Match.SourcePort(int port, boolean negated) -> "from " + but(negated, "port") + port;
            case Match.DestinationPort(int port, boolean negated) -> "to " + but(negated, "port") + port;
            case Match.DestinationPorts(List<Integer> ports, boolean negated) ->
                "to " + but(negated, "port") + either(ports);
            case Match.UidOwner(long uid, boolean negated) -> "by " + but(negated, "user") + uid;
            case Match.GidOwner(long gid, boolean negated) -> "by " + but(negated, "group") + gid;
            case Match.ConnState(var states) ->
                "in state " + either(states.stream().sorted().toList());
            case Match.PacketMark(Mark mark, boolean negated) -> not(negated) + "marked " + mark(mark);
            case Match.ConnectionMark(Mark mark, boolean negated) ->
                "of a connection " + not(negated) + "marked " + mark(mark);
        };
    }

    public static String target(Target target) {
        return switch (target) {
            case Target.Jump(String chain) -> chain;
            case Target.Return _ -> "return";
            case Target.Accept _ -> "accept";
            case Target.Drop _ -> "drop";
            case Target.Redirect(int port) -> "redirect to port " + port;
            case Target.Tproxy(int port, int mark) -> "hand over to port " + port + ", mark " + mark;
            case Target.SetMark(int mark) -> "mark " + mark;
            case Target.SetConnectionMark(Mark mark) -> "mark connection " + mark(mark);
            case Target.SaveMark _ -> "save mark to connection";
            case Target.RestoreMark _ -> "restore mark from connection";
            case Target.CtZone(int zone) -> "conntrack zone " + zone;
        };
    }

    /** A mark in decimal digits if all of it is meant, else as {@code iptables} writes it. */
    public static String mark(Mark mark) {
        return mark.isWhole() ? String.valueOf(mark.value()) : mark.toString();
    }

    /** A block, a single address without its prefix length. */
    static String block(Cidr block) {
        return block.prefixLength() == block.family().addressBits() ? address(block.address()) : block.toString();
    }

    public static String address(InetAddress address) {
        String host = Cidr.host(address).toString();
        return host.substring(0, host.indexOf('/'));
    }

    private static String not(boolean negated) {
        return negated ? "not " : "";
    }

    private static String but(boolean negated, String kind) {
        return negated ? "any " + kind + " but " : kind + " ";
    }

    private static String either(List<?> items) {
        return items.stream().map(String::valueOf).collect(Collectors.joining(" or "));
    }
}
