// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.nftables;

import dev.meshcni.netlink.Expression;
import dev.meshcni.netlink.Expression.Bitwise;
import dev.meshcni.netlink.Expression.Cmp;
import dev.meshcni.netlink.Expression.Counter;
import dev.meshcni.netlink.Expression.Decide;
import dev.meshcni.netlink.Expression.MetaKey;
import dev.meshcni.netlink.Expression.MetaLoad;
import dev.meshcni.netlink.Octets;
import dev.meshcni.netlink.Verdict;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.Mark;
import dev.meshcni.rules.Match;
import dev.meshcni.rules.Rule;
import dev.meshcni.rules.Target;
import dev.meshcni.rules.TransportProtocol;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Writes a rule as the nf_tables variant of {@code iptables(8)} does: interfaces, protocol and addresses as expressions
 * of nf_tables, all else as matches and targets of x_tables.
 *
 * <p>Newer versions of the program write ports and marks as expressions too, and compare only the bytes of an address
 * that a prefix covers. Versions before 1.8.7 read those as other rules than they are, without a word. So here stand
 * the forms that all versions since 1.8.4 read alike.
 */
final class IptablesExpressions {
    private final IpFamily family;
    private final Rule rule;
    private final List<Expression> expressions = new ArrayList<>();

    private IptablesExpressions(IpFamily family, Rule rule) {
        this.family = family;
        this.rule = rule;
    }

    /** The expressions of a rule, in the order of the program. */
    static List<Expression> of(IpFamily family, Rule rule) {
        return new IptablesExpressions(family, rule).write();
    }

    /** The expressions of a target. */
    static Expression target(IpFamily family, Target target) {
        return switch (target) {
            case Target.Jump(var chain) -> new Decide(Verdict.jump(chain));
            case Target.Return _ -> new Decide(Verdict.of(Verdict.Code.RETURN));
            case Target.Accept _ -> new Decide(Verdict.of(Verdict.Code.ACCEPT));
            case Target.Drop _ -> new Decide(Verdict.of(Verdict.Code.DROP));
            case Target.Redirect(int port) -> Extensions.redirect(family, port);
            case Target.Tproxy tproxy -> Extensions.tproxy(tproxy);
            case Target.SetMark(int mark) -> Extensions.setMark(mark);
            case Target.SetConnectionMark(Mark mark) -> Extensions.connmark(Extensions.CONNMARK_SET, mark);
            case Target.SaveMark _ -> Extensions.connmark(Extensions.CONNMARK_SAVE);
            case Target.RestoreMark _ -> Extensions.connmark(Extensions.CONNMARK_RESTORE);
            case Target.CtZone(int zone) -> Extensions.zone(zone);
        };
    }

    private List<Expression> write() {
        for (Match match : rule.matches()) {
            switch (match) {
                case Match.InInterface(var name, boolean negated) -> device(MetaKey.IIFNAME, name, negated);
                case Match.OutInterface(var name, boolean negated) -> device(MetaKey.OIFNAME, name, negated);
                default -> {}
            }
        }
        protocol().ifPresent(protocol -> expressions.addAll(Headers.protocol(protocol)));
        for (Match match : rule.matches()) {
            switch (match) {
                case Match.Source(var block, boolean negated) -> address(Headers.sourceOffset(family), block, negated);
                case Match.Destination(var block, boolean negated) ->
                    address(Headers.destinationOffset(family), block, negated);
                default -> {}
            }
        }
        ports();
        rule.matches().forEach(this::extension);
        expressions.add(new Counter(0, 0));
        expressions.add(target(family, rule.target()));
        return List.copyOf(expressions);
    }

    /** The program compares a name with its end, so that a longer name is another one. */
    private void device(MetaKey key, InterfaceName name, boolean negated) {
        expressions.add(new MetaLoad(key, Headers.REGISTER));
        byte[] text = (name + "\0").getBytes(StandardCharsets.ISO_8859_1);
        expressions.add(new Cmp(Headers.op(negated), Headers.REGISTER, Octets.of(text)));
    }

    private void address(int offset, Cidr block, boolean negated) {
        int length = Headers.addressLength(family);
        expressions.add(Headers.network(offset, length));
        if (block.prefixLength() < family.addressBits()) {
            expressions.add(new Bitwise(
                    Headers.REGISTER, Headers.mask(block.prefixLength(), length), Octets.of(new byte[length])));
        }
        expressions.add(new Cmp(Headers.op(negated), Headers.REGISTER, Headers.address(block, length)));
    }

    /** One match for both ports, as {@code --sport} and {@code --dport} are options of one. */
    private void ports() {
        Optional<Match.SourcePort> from = first(Match.SourcePort.class);
        Optional<Match.DestinationPort> to = first(Match.DestinationPort.class);
        if (from.isPresent() || to.isPresent()) {
            TransportProtocol protocol =
                    protocol().orElseThrow(() -> new IllegalArgumentException("a port of no protocol: " + rule));
            expressions.add(Extensions.ports(protocol, from, to));
        }
    }

    private void extension(Match match) {
        switch (match) {
            case Match.DestinationPorts ports -> expressions.add(Extensions.multiport(ports));
            case Match.UidOwner owner -> expressions.add(Extensions.uid(owner));
            case Match.GidOwner owner -> expressions.add(Extensions.gid(owner));
            case Match.ConnState(var states) -> expressions.add(Extensions.conntrack(states));
            case Match.PacketMark(Mark mark, boolean negated) ->
                expressions.add(Extensions.mark("mark", mark, negated));
            case Match.ConnectionMark(Mark mark, boolean negated) ->
                expressions.add(Extensions.mark("connmark", mark, negated));
            case Match.Source _, Match.Destination _, Match.InInterface _, Match.OutInterface _ -> {}
            case Match.Protocol _, Match.SourcePort _, Match.DestinationPort _ -> {}
        }
    }

    private Optional<TransportProtocol> protocol() {
        return first(Match.Protocol.class).map(Match.Protocol::protocol);
    }

    private <T extends Match> Optional<T> first(Class<T> kind) {
        return rule.matches().stream().filter(kind::isInstance).map(kind::cast).findFirst();
    }
}
