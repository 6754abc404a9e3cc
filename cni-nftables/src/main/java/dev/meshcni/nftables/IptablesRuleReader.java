// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.nftables;

import dev.meshcni.netfilter.SavedRule;
import dev.meshcni.netlink.Expression;
import dev.meshcni.netlink.Expression.Bitwise;
import dev.meshcni.netlink.Expression.Cmp;
import dev.meshcni.netlink.Expression.CmpOp;
import dev.meshcni.netlink.Expression.Counter;
import dev.meshcni.netlink.Expression.Decide;
import dev.meshcni.netlink.Expression.MetaKey;
import dev.meshcni.netlink.Expression.MetaLoad;
import dev.meshcni.netlink.Expression.PayloadLoad;
import dev.meshcni.netlink.Expression.XtMatch;
import dev.meshcni.netlink.Expression.XtTarget;
import dev.meshcni.netlink.KernelRule;
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
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Reads a rule of the nf_tables variant of {@code iptables(8)}, in the forms that any of its versions writes. A rule
 * that says anything the model has no word for comes out as {@link SavedRule.Foreign}, never as a rule that means
 * something else.
 */
final class IptablesRuleReader {
    /** A value was loaded, or a rule goes on, in a way that no word fits. */
    private static final class NoWordException extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    private final IpFamily family;
    private final List<Match> matches = new ArrayList<>();
    private Optional<Expression> loaded = Optional.empty();
    private Optional<Octets> mask = Optional.empty();
    private Optional<Target> target = Optional.empty();

    private IptablesRuleReader(IpFamily family) {
        this.family = family;
    }

    static SavedRule read(IpFamily family, KernelRule rule) {
        try {
            IptablesRuleReader reader = new IptablesRuleReader(family);
            rule.expressions().forEach(reader::add);
            return reader.target
                    .<SavedRule>map(decided -> new SavedRule.Known(new Rule(reader.matches, decided, "")))
                    .orElseThrow(NoWordException::new);
        } catch (NoWordException | IllegalArgumentException e) {
            return new SavedRule.Foreign(text(rule.expressions()), target(rule.expressions()));
        }
    }

    /** A rule in words of the kernel, without its counter. */
    static String text(List<Expression> expressions) {
        return expressions.stream()
                .filter(expression -> !(expression instanceof Counter))
                .map(Expression::toString)
                .collect(Collectors.joining("; "));
    }

    /** The name of a rule's target for {@code iptables}: a verdict, a chain or an extension. */
    private static String target(List<Expression> expressions) {
        return expressions.stream()
                .map(expression -> switch (expression) {
                    case Decide(Verdict verdict) ->
                        verdict.chain().isEmpty() ? verdict.code().name() : verdict.chain();
                    case XtTarget extension -> extension.name();
                    default -> "";
                })
                .filter(name -> !name.isEmpty())
                .findFirst()
                .orElse("");
    }

    private void add(Expression expression) {
        if (target.isPresent()) {
            throw new NoWordException();
        }
        switch (expression) {
            case MetaLoad load -> load(load, load.register());
            case PayloadLoad load -> load(load, load.register());
            case Bitwise bitwise -> mask(bitwise);
            case Cmp cmp -> compare(cmp);
            case Counter _ -> {}
            case XtMatch match -> matches.addAll(ExtensionReader.matches(match).orElseThrow(NoWordException::new));
            case XtTarget extension ->
                target = Optional.of(ExtensionReader.target(family, extension).orElseThrow(NoWordException::new));
            case Decide(Verdict verdict) -> target = Optional.of(decided(verdict));
            default -> throw new NoWordException();
        }
    }

    private void load(Expression expression, int register) {
        require(register == Headers.REGISTER);
        loaded = Optional.of(expression);
        mask = Optional.empty();
    }

    private void mask(Bitwise bitwise) {
        require(bitwise.register() == Headers.REGISTER && mask.isEmpty() && isZero(bitwise.xor()));
        mask = Optional.of(bitwise.mask());
    }

    private void compare(Cmp cmp) {
        require(cmp.register() == Headers.REGISTER && (cmp.op() == CmpOp.EQ || cmp.op() == CmpOp.NEQ));
        boolean negated = cmp.op() == CmpOp.NEQ;
        switch (loaded.orElseThrow(NoWordException::new)) {
            case MetaLoad load -> compareMeta(load, cmp.value(), negated);
            case PayloadLoad load -> comparePayload(load, cmp.value(), negated);
            default -> throw new NoWordException();
        }
        loaded = Optional.empty();
    }

    private void compareMeta(MetaLoad load, Octets value, boolean negated) {
        require(mask.isEmpty() || load.key() == MetaKey.MARK);
        matches.add(
                switch (load.key()) {
                    case IIFNAME -> new Match.InInterface(name(value), negated);
                    case OIFNAME -> new Match.OutInterface(name(value), negated);
                    case L4PROTO -> protocol(value, negated);
                    case MARK -> new Match.PacketMark(mark(value), negated);
                    case SKUID, SKGID, NFPROTO -> throw new NoWordException();
                });
    }

    private Mark mark(Octets value) {
        return new Mark(value.u32(), mask.map(Octets::u32).orElse(Mark.ALL));
    }

    private void comparePayload(PayloadLoad load, Octets value, boolean negated) {
        switch (load.base()) {
            case NETWORK -> matches.add(address(load, value, negated));
            case TRANSPORT -> ports(load, value, negated);
            case LINK -> throw new NoWordException();
        }
    }

    /** All of an address under a mask, or only the bytes that its prefix covers. */
    private Match address(PayloadLoad load, Octets value, boolean negated) {
        int length = Headers.addressLength(family);
        require(value.length() == load.length() && load.length() <= length);
        int prefix = mask.map(IptablesRuleReader::prefix).orElse(load.length() * Byte.SIZE);
        Cidr block = Cidr.of(Headers.inetAddress(Arrays.copyOf(value.bytes(), length)), prefix);
        require(Headers.address(block, load.length()).equals(value));
        if (load.offset() == Headers.sourceOffset(family)) {
            return new Match.Source(block, negated);
        }
        require(load.offset() == Headers.destinationOffset(family));
        return new Match.Destination(block, negated);
    }

    private void ports(PayloadLoad load, Octets value, boolean negated) {
        require(mask.isEmpty() && value.length() == load.length());
        byte[] bytes = value.bytes();
        boolean both = load.offset() == Headers.SOURCE_PORT && load.length() == 2 * Headers.PORT_LENGTH && !negated;
        require(both || load.length() == Headers.PORT_LENGTH);
        int first = port(bytes, 0);
        switch (load.offset()) {
            case Headers.SOURCE_PORT -> matches.add(new Match.SourcePort(first, negated));
            case Headers.DESTINATION_PORT -> matches.add(new Match.DestinationPort(first, negated));
            default -> throw new NoWordException();
        }
        if (both) {
            matches.add(new Match.DestinationPort(port(bytes, Headers.PORT_LENGTH), false));
        }
    }

    private static Target decided(Verdict verdict) {
        return switch (verdict.code()) {
            case JUMP -> new Target.Jump(verdict.chain());
            case RETURN -> new Target.Return();
            case ACCEPT -> new Target.Accept();
            case DROP -> new Target.Drop();
            case GOTO, CONTINUE, BREAK -> throw new NoWordException();
        };
    }

    /** Without its end it is the beginning of a name ({@code eth+}). */
    private static InterfaceName name(Octets value) {
        String text = StandardCharsets.ISO_8859_1.decode(value.buffer()).toString();
        int end = text.indexOf('\0');
        require(end > 0);
        return new InterfaceName(text.substring(0, end));
    }

    private static Match protocol(Octets value, boolean negated) {
        require(!negated && value.length() == 1);
        for (TransportProtocol protocol : TransportProtocol.values()) {
            if (Headers.number(protocol) == value.bytes()[0]) {
                return new Match.Protocol(protocol);
            }
        }
        throw new NoWordException();
    }

    /** The length of the prefix that a mask stands for. */
    private static int prefix(Octets mask) {
        byte[] bytes = mask.bytes();
        int prefix = 0;
        while (prefix < bytes.length * Byte.SIZE && (bytes[prefix / Byte.SIZE] & 0x80 >> prefix % Byte.SIZE) != 0) {
            prefix++;
        }
        for (int bit = prefix; bit < bytes.length * Byte.SIZE; bit++) {
            require((bytes[bit / Byte.SIZE] & 0x80 >> bit % Byte.SIZE) == 0);
        }
        return prefix;
    }

    private static int port(byte[] bytes, int offset) {
        return Byte.toUnsignedInt(bytes[offset]) << Byte.SIZE | Byte.toUnsignedInt(bytes[offset + 1]);
    }

    private static boolean isZero(Octets octets) {
        return octets.equals(Octets.of(new byte[octets.length()]));
    }

    private static void require(boolean fits) {
        if (!fits) {
            throw new NoWordException();
        }
    }
}
