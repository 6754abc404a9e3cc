// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.nftables;

import dev.meshcni.netfilter.Intervals;
import dev.meshcni.netfilter.NftMerging;
import dev.meshcni.netfilter.NftRenderer;
import dev.meshcni.netlink.Attributes.Attribute;
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
import dev.meshcni.netlink.Expression.Redir;
import dev.meshcni.netlink.KernelSet;
import dev.meshcni.netlink.KernelTable;
import dev.meshcni.netlink.Octets;
import dev.meshcni.netlink.SetElement;
import dev.meshcni.netlink.Verdict;
import dev.meshcni.rules.ConnectionState;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.Mark;
import dev.meshcni.rules.Match;
import dev.meshcni.rules.Table;
import dev.meshcni.rules.Target;
import dev.meshcni.rules.TransportProtocol;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Writes a rule as {@code nft(8)} does with what {@link NftRenderer} writes of it. */
final class NftExpressions {
    /** A part of a rule. */
    sealed interface Part {}

    /** An expression that stands for itself. */
    record Plain(Expression expression) implements Part {}

    /** Matches a value that is, or is not, in an anonymous set. */
    record InSet(Intervals intervals, boolean inverted) implements Part {
        /** {@code TYPE_IPADDR}, {@code TYPE_IP6ADDR}, {@code TYPE_INET_SERVICE} of {@code nft}. */
        private int type() {
            return switch (intervals.bits()) {
                case 32 -> 7;
                case 128 -> 8;
                default -> 13;
            };
        }

        /**
         * Whether the kernel is to keep the ends of intervals. Where it keeps single values of two bytes, it compares
         * each new one with all before.
         */
        private boolean keepsIntervals() {
            boolean many = intervals.bits() == Short.SIZE && intervals.ranges().size() > MAX_SINGLE_VALUES;
            return many
                    || intervals.ranges().stream()
                            .anyMatch(range -> !range.first().equals(range.last()));
        }

        /**
         * The set; {@code nft} keeps with it that its keys are in network byte order, and the kernel makes it as large
         * as it has to be.
         */
        KernelSet set(KernelTable table, int number, int elements) {
            return new KernelSet(
                    table.family(),
                    table.name(),
                    "__set" + number,
                    0,
                    KernelSet.ANONYMOUS | KernelSet.CONSTANT | (keepsIntervals() ? KernelSet.INTERVAL : 0),
                    type(),
                    intervals.bits() / Byte.SIZE,
                    List.of(KernelSet.size(elements), new Attribute(KernelSet.USERDATA, BIG_ENDIAN_KEYS)));
        }

        /** Single values, or the ends of intervals; {@code nft} begins with what is before the first of them. */
        List<SetElement> elements() {
            List<SetElement> elements = new ArrayList<>();
            boolean ranges = keepsIntervals();
            BigInteger behindAll = BigInteger.ONE.shiftLeft(intervals.bits());
            if (ranges && intervals.ranges().getFirst().first().signum() != 0) {
                elements.add(SetElement.end(octets(BigInteger.ZERO, intervals.bits())));
            }
            for (Intervals.Range range : intervals.ranges()) {
                elements.add(SetElement.of(octets(range.first(), intervals.bits())));
                BigInteger behind = range.last().add(BigInteger.ONE);
                if (ranges && !behind.equals(behindAll)) {
                    elements.add(SetElement.end(octets(behind, intervals.bits())));
                }
            }
            return elements;
        }
    }

    /**
     * {@code NFTNL_UDATA_SET_KEYBYTEORDER}: one type, its length, and {@code BYTEORDER_BIG_ENDIAN} in the byte order of
     * the machine.
     */
    private static final Octets BIG_ENDIAN_KEYS = bigEndianKeys();

    private static final int IFNAMSIZ = 16;

    /** Ports up to this number are a set of single values. */
    private static final int MAX_SINGLE_VALUES = 128;

    private final IpFamily family;
    private final Table table;
    private final List<Part> parts = new ArrayList<>();
    private boolean protocolKnown;

    private NftExpressions(IpFamily family, Table table) {
        this.family = family;
        this.table = table;
    }

    /**
     * The rules of joined ones: where nobody listens, TPROXY of iptables drops the packet, and {@code tproxy} would let
     * it pass.
     */
    static List<List<Part>> of(IpFamily family, Table table, NftMerging.Joined joined) {
        List<Part> rule =
                new NftExpressions(family, table).write(joined, joined.rule().target());
        return joined.rule().target() instanceof Target.Tproxy
                ? List.of(rule, new NftExpressions(family, table).write(joined, new Target.Drop()))
                : List.of(rule);
    }

    private List<Part> write(NftMerging.Joined joined, Target target) {
        List<Match> matches = joined.rule().matches();
        Optional<TransportProtocol> protocol = matches.stream()
                .filter(Match.Protocol.class::isInstance)
                .map(match -> ((Match.Protocol) match).protocol())
                .findFirst();
        boolean ports = !joined.ports().isEmpty() || matches.stream().anyMatch(NftExpressions::isOfPorts);
        if (!joined.blocks().isEmpty()) {
            address(Headers.destinationOffset(family), Intervals.blocks(joined.blocks()), false);
        }
        if (!joined.ports().isEmpty()) {
            ports(protocol, Headers.DESTINATION_PORT, Intervals.ports(joined.ports()), false);
        }
        matches.stream()
                .filter(match -> !(ports && match instanceof Match.Protocol))
                .forEach(match -> match(protocol, match));
        add(new Counter(0, 0));
        action(target);
        return List.copyOf(parts);
    }

    private static boolean isOfPorts(Match match) {
        return match instanceof Match.SourcePort
                || match instanceof Match.DestinationPort
                || match instanceof Match.DestinationPorts;
    }

    private void match(Optional<TransportProtocol> protocol, Match match) {
        switch (match) {
            case Match.Source(var block, boolean negated) ->
                address(Headers.sourceOffset(family), Intervals.blocks(List.of(block)), negated);
            case Match.Destination(var block, boolean negated) ->
                address(Headers.destinationOffset(family), Intervals.blocks(List.of(block)), negated);
            case Match.InInterface(var name, boolean negated) -> device(MetaKey.IIFNAME, name, negated);
            case Match.OutInterface(var name, boolean negated) -> device(MetaKey.OIFNAME, name, negated);
            case Match.Protocol(var known) -> Headers.protocol(known).forEach(this::add);
            case Match.SourcePort(int port, boolean negated) ->
                ports(protocol, Headers.SOURCE_PORT, Intervals.ports(List.of(port)), negated);
            case Match.DestinationPort(int port, boolean negated) ->
                ports(protocol, Headers.DESTINATION_PORT, Intervals.ports(List.of(port)), negated);
            case Match.DestinationPorts(var ports, boolean negated) ->
                ports(protocol, Headers.DESTINATION_PORT, Intervals.ports(ports), negated);
            case Match.UidOwner(long uid, boolean negated) -> meta(MetaKey.SKUID, (int) uid, negated);
            case Match.GidOwner(long gid, boolean negated) -> meta(MetaKey.SKGID, (int) gid, negated);
            case Match.ConnState(var states) -> state(states);
            case Match.PacketMark(Mark mark, boolean negated) -> {
                add(new MetaLoad(MetaKey.MARK, Headers.REGISTER));
                mark(mark, negated);
            }
            case Match.ConnectionMark(Mark mark, boolean negated) -> {
                add(new CtLoad(CtKey.MARK, Headers.REGISTER));
                mark(mark, negated);
            }
        }
    }

    private void action(Target target) {
        switch (target) {
            case Target.Jump(var chain) -> add(new Decide(Verdict.jump(NftRenderer.name(table, chain))));
            case Target.Return _ -> add(new Decide(Verdict.of(Verdict.Code.RETURN)));
            case Target.Accept _ -> add(new Decide(Verdict.of(Verdict.Code.ACCEPT)));
            case Target.Drop _ -> add(new Decide(Verdict.of(Verdict.Code.DROP)));
            case Target.Redirect(int port) -> {
                add(new Immediate(Headers.REGISTER, Octets.be16(port)));
                add(new Redir(Headers.REGISTER, Redir.PROTO_SPECIFIED));
            }
            case Target.Tproxy(int port, int mark) -> {
                add(new Immediate(Headers.REGISTER, Octets.be16(port)));
                add(new Expression.Tproxy(Headers.family(family), Headers.REGISTER));
                setMark(mark);
                add(new Decide(Verdict.of(Verdict.Code.ACCEPT)));
            }
            case Target.SetMark(int mark) -> setMark(mark);
            case Target.SetConnectionMark(Mark mark) -> setConnectionMark(mark);
            case Target.SaveMark _ -> {
                add(new MetaLoad(MetaKey.MARK, Headers.REGISTER));
                add(new CtSet(CtKey.MARK, Headers.REGISTER));
            }
            case Target.RestoreMark _ -> {
                add(new CtLoad(CtKey.MARK, Headers.REGISTER));
                add(new MetaSet(MetaKey.MARK, Headers.REGISTER));
            }
            case Target.CtZone(int zone) -> {
                add(new Immediate(Headers.REGISTER, Octets.u16(zone)));
                add(new CtSet(CtKey.ZONE, Headers.REGISTER));
            }
        }
    }

    /** A lone block of whole bytes is compared in these bytes only. */
    private void address(int offset, Intervals block, boolean negated) {
        int length = Headers.addressLength(family);
        Optional<Integer> prefix = prefix(block);
        if (prefix.filter(bits -> bits > 0).isEmpty()) {
            add(Headers.network(offset, length));
            within(block, negated);
            return;
        }
        int bits = prefix.get();
        byte[] first = octets(block.ranges().getFirst().first(), block.bits()).bytes();
        if (bits % Byte.SIZE == 0) {
            add(Headers.network(offset, bits / Byte.SIZE));
            compare(negated, Octets.of(Arrays.copyOf(first, bits / Byte.SIZE)));
        } else {
            add(Headers.network(offset, length));
            add(new Bitwise(Headers.REGISTER, Headers.mask(bits, length), Octets.of(new byte[length])));
            compare(negated, Octets.of(first));
        }
    }

    /** The length of the prefix that all values of a set have, and no others; empty if there is none. */
    private static Optional<Integer> prefix(Intervals block) {
        if (block.ranges().size() != 1) {
            return Optional.empty();
        }
        BigInteger first = block.ranges().getFirst().first();
        BigInteger size = block.ranges().getFirst().last().subtract(first).add(BigInteger.ONE);
        boolean aligned = size.bitCount() == 1 && first.mod(size).signum() == 0;
        return aligned ? Optional.of(block.bits() - size.getLowestSetBit()) : Optional.empty();
    }

    private void ports(Optional<TransportProtocol> protocol, int offset, Intervals ports, boolean negated) {
        if (!protocolKnown) {
            protocol.ifPresent(known -> Headers.protocol(known).forEach(this::add));
            protocolKnown = true;
        }
        add(Headers.port(offset));
        within(ports, negated);
    }

    /** Matches a value that is one of a set, in a range, or the only one. */
    private void within(Intervals intervals, boolean negated) {
        if (intervals.ranges().size() > 1) {
            parts.add(new InSet(intervals, negated));
            return;
        }
        Octets first = octets(intervals.ranges().getFirst().first(), intervals.bits());
        Octets last = octets(intervals.ranges().getFirst().last(), intervals.bits());
        if (first.equals(last)) {
            compare(negated, first);
        } else if (negated) {
            add(new Expression.Range(Headers.REGISTER, true, first, last));
        } else {
            add(new Cmp(CmpOp.GTE, Headers.REGISTER, first));
            add(new Cmp(CmpOp.LTE, Headers.REGISTER, last));
        }
    }

    private void device(MetaKey key, InterfaceName name, boolean negated) {
        add(new MetaLoad(key, Headers.REGISTER));
        byte[] text = name.toString().getBytes(StandardCharsets.ISO_8859_1);
        compare(negated, Octets.of(Arrays.copyOf(text, IFNAMSIZ)));
    }

    private void meta(MetaKey key, int value, boolean negated) {
        add(new MetaLoad(key, Headers.REGISTER));
        compare(negated, Octets.u32(value));
    }

    private void state(Set<ConnectionState> states) {
        int bits = states.stream().mapToInt(NftExpressions::bit).sum();
        add(new CtLoad(CtKey.STATE, Headers.REGISTER));
        add(new Bitwise(Headers.REGISTER, Octets.u32(bits), Octets.u32(0)));
        add(new Cmp(CmpOp.NEQ, Headers.REGISTER, Octets.u32(0)));
    }

    /** {@code NF_CT_STATE_BIT}, {@code NF_CT_STATE_INVALID_BIT}, {@code NF_CT_STATE_UNTRACKED_BIT}. */
    private static int bit(ConnectionState state) {
        return switch (state) {
            case INVALID -> 1;
            case ESTABLISHED -> 1 << 1;
            case RELATED -> 1 << 2;
            case NEW -> 1 << 3;
            case UNTRACKED -> 1 << 6;
        };
    }

    private void setMark(int mark) {
        add(new Immediate(Headers.REGISTER, Octets.u32(mark)));
        add(new MetaSet(MetaKey.MARK, Headers.REGISTER));
    }

    /** The bits beyond the mask stay: the new mark is {@code (old & mask) ^ xor}, with xor only where mask has none. */
    private void setConnectionMark(Mark mark) {
        if (mark.isWhole()) {
            add(new Immediate(Headers.REGISTER, Octets.u32(mark.value())));
        } else {
            add(new CtLoad(CtKey.MARK, Headers.REGISTER));
            add(new Bitwise(Headers.REGISTER, Octets.u32(~mark.mask()), Octets.u32(mark.value())));
        }
        add(new CtSet(CtKey.MARK, Headers.REGISTER));
    }

    /** Compares a mark that was loaded. */
    private void mark(Mark mark, boolean negated) {
        if (!mark.isWhole()) {
            add(new Bitwise(Headers.REGISTER, Octets.u32(mark.mask()), Octets.u32(0)));
        }
        compare(negated, Octets.u32(mark.value()));
    }

    private void compare(boolean negated, Octets value) {
        add(new Cmp(Headers.op(negated), Headers.REGISTER, value));
    }

    private void add(Expression expression) {
        parts.add(new Plain(expression));
    }

    private static Octets octets(BigInteger number, int bits) {
        byte[] bytes = new byte[bits / Byte.SIZE];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = number.shiftRight((bytes.length - 1 - i) * Byte.SIZE).byteValue();
        }
        return Octets.of(bytes);
    }

    private static Octets bigEndianKeys() {
        byte[] bytes = {0, Integer.BYTES, 0, 0, 0, 0};
        ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).putInt(2, 2);
        return Octets.of(bytes);
    }
}
