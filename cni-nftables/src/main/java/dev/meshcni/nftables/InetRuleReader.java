// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.nftables;

import dev.meshcni.netfilter.SavedRule;
import dev.meshcni.netlink.Expression;
import dev.meshcni.netlink.Expression.Bitwise;
import dev.meshcni.netlink.Expression.Cmp;
import dev.meshcni.netlink.Expression.CmpOp;
import dev.meshcni.netlink.Expression.Counter;
import dev.meshcni.netlink.Expression.CtKey;
import dev.meshcni.netlink.Expression.CtLoad;
import dev.meshcni.netlink.Expression.CtSet;
import dev.meshcni.netlink.Expression.Decide;
import dev.meshcni.netlink.Expression.Immediate;
import dev.meshcni.netlink.Expression.MetaKey;
import dev.meshcni.netlink.Expression.MetaLoad;
import dev.meshcni.netlink.Expression.MetaSet;
import dev.meshcni.netlink.Expression.PayloadBase;
import dev.meshcni.netlink.Expression.PayloadLoad;
import dev.meshcni.netlink.Expression.Redir;
import dev.meshcni.netlink.KernelRule;
import dev.meshcni.netlink.NfProto;
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
import java.util.function.UnaryOperator;

/**
 * Reads a rule of a table of the family {@code inet} as {@code nft(8)} writes it for one of Istio's node agent. A rule
 * that says anything else comes out as {@link SavedRule.Foreign}, never as a rule that means something else.
 */
final class InetRuleReader {
    /** The expressions say something that no rule of Istio's says. */
    private static final class NoWordException extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    private final UnaryOperator<String> chains;
    private final List<Match> matches = new ArrayList<>();
    private Optional<IpFamily> family = Optional.empty();
    private Optional<Expression> loaded = Optional.empty();
    private Optional<Bitwise> changed = Optional.empty();
    private Optional<Target> target = Optional.empty();

    private InetRuleReader(UnaryOperator<String> chains) {
        this.chains = chains;
    }

    /**
     * Reads a rule.
     *
     * @param chains what a chain that the rule jumps to is called in words of iptables
     */
    static InetRule read(KernelRule rule, UnaryOperator<String> chains) {
        InetRuleReader reader = new InetRuleReader(chains);
        try {
            rule.expressions().forEach(reader::add);
            Rule known = new Rule(reader.matches, reader.target.orElseThrow(NoWordException::new), "");
            return new InetRule(reader.family, new SavedRule.Known(known));
        } catch (NoWordException | IllegalArgumentException e) {
            String text = IptablesRuleReader.text(rule.expressions());
            return new InetRule(reader.family, new SavedRule.Foreign(text, ""));
        }
    }

    private void add(Expression expression) {
        require(target.isEmpty());
        switch (expression) {
            case MetaLoad load -> load(load, load.register());
            case CtLoad load -> load(load, load.register());
            case PayloadLoad load -> load(load, load.register());
            case Immediate immediate -> load(immediate, immediate.register());
            case Bitwise bitwise -> {
                require(loaded.isPresent() && changed.isEmpty() && bitwise.register() == Headers.REGISTER);
                changed = Optional.of(bitwise);
            }
            case Cmp cmp -> compare(cmp);
            case Counter _ -> {}
            case Redir redir -> aim(redirect(redir));
            case MetaSet set -> aim(restored(set));
            case CtSet set -> aim(set.key() == CtKey.ZONE ? zone(set) : marked(set));
            case Decide(Verdict verdict) -> aim(decided(verdict));
            default -> throw new NoWordException();
        }
    }

    private void load(Expression expression, int register) {
        require(register == Headers.REGISTER && loaded.isEmpty());
        loaded = Optional.of(expression);
    }

    private void aim(Target found) {
        require(loaded.isEmpty() && changed.isEmpty());
        target = Optional.of(found);
    }

    private void compare(Cmp cmp) {
        require(cmp.register() == Headers.REGISTER && (cmp.op() == CmpOp.EQ || cmp.op() == CmpOp.NEQ));
        boolean negated = cmp.op() == CmpOp.NEQ;
        Expression from = taken();
        Optional<Octets> mask = mask();
        switch (from) {
            case MetaLoad load -> compare(load.key(), mask, cmp.value(), negated);
            case CtLoad load -> {
                require(load.key() == CtKey.MARK);
                matches.add(new Match.ConnectionMark(mark(mask, cmp.value()), negated));
            }
            case PayloadLoad load -> {
                require(mask.isEmpty() && load.length() == cmp.value().length());
                compare(load, cmp.value(), negated);
            }
            default -> throw new NoWordException();
        }
    }

    private void compare(MetaKey key, Optional<Octets> mask, Octets value, boolean negated) {
        require(mask.isEmpty() || key == MetaKey.MARK);
        switch (key) {
            case NFPROTO -> {
                require(!negated && value.length() == 1);
                ask(value.bytes()[0]);
            }
            case L4PROTO -> {
                require(!negated && value.length() == 1);
                Match protocol = protocol(value.bytes()[0]);
                if (!matches.contains(protocol)) {
                    matches.add(protocol);
                }
            }
            case IIFNAME -> matches.add(new Match.InInterface(name(value), negated));
            case OIFNAME -> matches.add(new Match.OutInterface(name(value), negated));
            case MARK -> matches.add(new Match.PacketMark(mark(mask, value), negated));
            case SKUID, SKGID -> throw new NoWordException();
        }
    }

    private void compare(PayloadLoad load, Octets value, boolean negated) {
        if (load.base() == PayloadBase.TRANSPORT) {
            require(load.length() == Headers.PORT_LENGTH);
            int port = Byte.toUnsignedInt(value.bytes()[0]) << Byte.SIZE | Byte.toUnsignedInt(value.bytes()[1]);
            switch (load.offset()) {
                case Headers.SOURCE_PORT -> matches.add(new Match.SourcePort(port, negated));
                case Headers.DESTINATION_PORT -> matches.add(new Match.DestinationPort(port, negated));
                default -> throw new NoWordException();
            }
            return;
        }
        IpFamily known = family.orElseThrow(NoWordException::new);
        require(load.base() == PayloadBase.NETWORK && load.length() == Headers.addressLength(known));
        Cidr host = Cidr.host(Headers.inetAddress(value.bytes()));
        if (load.offset() == Headers.sourceOffset(known)) {
            matches.add(new Match.Source(host, negated));
        } else {
            require(load.offset() == Headers.destinationOffset(known));
            matches.add(new Match.Destination(host, negated));
        }
    }

    private void ask(int number) {
        for (IpFamily candidate : IpFamily.values()) {
            NfProto proto = Headers.family(candidate);
            if (proto.number() == number && (family.isEmpty() || family.get() == candidate)) {
                family = Optional.of(candidate);
                return;
            }
        }
        throw new NoWordException();
    }

    private Target redirect(Redir redir) {
        require(redir.register() == Headers.REGISTER && redir.flags() == Redir.PROTO_SPECIFIED && changed.isEmpty());
        byte[] port = immediate().bytes();
        require(port.length == Headers.PORT_LENGTH);
        return new Target.Redirect(Byte.toUnsignedInt(port[0]) << Byte.SIZE | Byte.toUnsignedInt(port[1]));
    }

    private Target restored(MetaSet set) {
        require(set.key() == MetaKey.MARK && set.register() == Headers.REGISTER && changed.isEmpty());
        require(taken().equals(new CtLoad(CtKey.MARK, Headers.REGISTER)));
        return new Target.RestoreMark();
    }

    private Target zone(CtSet set) {
        require(set.register() == Headers.REGISTER && changed.isEmpty());
        Octets zone = immediate();
        require(zone.length() == Short.BYTES);
        return new Target.CtZone(Short.toUnsignedInt(zone.buffer().getShort()));
    }

    /** The new mark is {@code (old & mask) ^ xor}: it sets bits if none of them is among those that are kept. */
    private Target marked(CtSet set) {
        require(set.key() == CtKey.MARK && set.register() == Headers.REGISTER);
        require(taken().equals(new CtLoad(CtKey.MARK, Headers.REGISTER)));
        Bitwise bitwise = changed.orElseThrow(NoWordException::new);
        changed = Optional.empty();
        return new Target.SetConnectionMark(
                new Mark(bitwise.xor().u32(), ~bitwise.mask().u32()));
    }

    private Target decided(Verdict verdict) {
        return switch (verdict.code()) {
            case JUMP -> new Target.Jump(chains.apply(verdict.chain()));
            case RETURN -> new Target.Return();
            case ACCEPT -> new Target.Accept();
            case DROP -> new Target.Drop();
            case GOTO, CONTINUE, BREAK -> throw new NoWordException();
        };
    }

    private Expression taken() {
        Expression expression = loaded.orElseThrow(NoWordException::new);
        loaded = Optional.empty();
        return expression;
    }

    private Octets immediate() {
        return taken() instanceof Immediate immediate ? immediate.value() : Octets.NONE;
    }

    private Optional<Octets> mask() {
        Optional<Octets> mask = changed.map(bitwise -> {
            require(bitwise.xor().equals(Octets.of(new byte[bitwise.xor().length()])));
            return bitwise.mask();
        });
        changed = Optional.empty();
        return mask;
    }

    private static Mark mark(Optional<Octets> mask, Octets value) {
        require(value.length() == Integer.BYTES);
        return new Mark(value.u32(), mask.map(Octets::u32).orElse(Mark.ALL));
    }

    private static Match protocol(int number) {
        for (TransportProtocol protocol : TransportProtocol.values()) {
            if (Headers.number(protocol) == number) {
                return new Match.Protocol(protocol);
            }
        }
        throw new NoWordException();
    }

    /** A name with its end; without one it is the beginning of a name ({@code eth*}). */
    private static InterfaceName name(Octets value) {
        String text = StandardCharsets.ISO_8859_1.decode(value.buffer()).toString();
        int end = text.indexOf('\0');
        require(end > 0);
        return new InterfaceName(text.substring(0, end));
    }

    private static void require(boolean fits) {
        if (!fits) {
            throw new NoWordException();
        }
    }
}
