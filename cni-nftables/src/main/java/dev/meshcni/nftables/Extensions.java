// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.nftables;

import dev.meshcni.netlink.Expression.XtMatch;
import dev.meshcni.netlink.Expression.XtTarget;
import dev.meshcni.netlink.Octets;
import dev.meshcni.rules.ConnectionState;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.Mark;
import dev.meshcni.rules.Match;
import dev.meshcni.rules.Target;
import dev.meshcni.rules.TransportProtocol;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Writes matches and targets of x_tables as the kernel takes them: the structures of {@code linux/netfilter/xt_*.h}, in
 * the revisions that {@code iptables} 1.8.4 and all later versions read, each padded to a multiple of eight bytes
 * ({@code XT_ALIGN}).
 */
final class Extensions {
    static final int FULL_MASK = -1;
    static final int ALL_PORTS = 0xffff;

    /** {@code XT_TCP_INV_SRCPT}, {@code XT_UDP_INV_SRCPT}. */
    static final int INVERTED_SOURCE = 1;

    /** {@code XT_TCP_INV_DSTPT}, {@code XT_UDP_INV_DSTPT}. */
    static final int INVERTED_DESTINATION = 2;

    /** {@code XT_MULTIPORT_DESTINATION}. */
    static final int MULTIPORT_DESTINATION = 1;

    /** {@code XT_OWNER_UID}. */
    static final int OWNER_UID = 1;

    /** {@code XT_OWNER_GID}. */
    static final int OWNER_GID = 2;

    /** {@code XT_CONNTRACK_STATE}. */
    static final int CONNTRACK_STATE = 1;

    static final int CONNTRACK_LENGTH = 168;
    static final int CONNTRACK_FLAGS = 146;
    static final int CONNTRACK_STATE_MASK = 150;

    /** {@code XT_CONNMARK_SET}. */
    static final int CONNMARK_SET = 0;

    /** {@code XT_CONNMARK_SAVE}. */
    static final int CONNMARK_SAVE = 1;

    /** {@code XT_CONNMARK_RESTORE}. */
    static final int CONNMARK_RESTORE = 2;

    /** {@code NF_NAT_RANGE_PROTO_SPECIFIED}. */
    static final int NAT_PORTS = 2;

    static final int REDIRECT4_LENGTH = 24;
    static final int REDIRECT6_LENGTH = 40;
    static final int TPROXY_LENGTH = 32;
    static final int CT_LENGTH = 72;
    static final int MULTIPORT_LENGTH = 48;

    private Extensions() {}

    /** {@code struct xt_tcp}, {@code struct xt_udp}: ports in the byte order of the machine, revision 0. */
    static XtMatch ports(
            TransportProtocol protocol, Optional<Match.SourcePort> from, Optional<Match.DestinationPort> to) {
        int inverted = (from.filter(Match.SourcePort::negated).isPresent() ? INVERTED_SOURCE : 0)
                | (to.filter(Match.DestinationPort::negated).isPresent() ? INVERTED_DESTINATION : 0);
        ByteBuffer info = buffer(16);
        info.putShort((short) (int) from.map(Match.SourcePort::port).orElse(0));
        info.putShort((short) (int) from.map(Match.SourcePort::port).orElse(ALL_PORTS));
        info.putShort((short) (int) to.map(Match.DestinationPort::port).orElse(0));
        info.putShort((short) (int) to.map(Match.DestinationPort::port).orElse(ALL_PORTS));
        switch (protocol) {
            // Behind the ports: an option and two sets of flags that are not asked for.
            case TCP -> info.put(11, (byte) inverted);
            case UDP -> info.put(8, (byte) inverted);
        }
        return new XtMatch(protocol.label(), 0, octets(info));
    }

    /**
     * {@code struct xt_multiport_v1}: which ports, how many, the ports, which are the first of a range, whether
     * inverted.
     */
    static XtMatch multiport(Match.DestinationPorts match) {
        List<Integer> ports = match.ports();
        ByteBuffer info = buffer(MULTIPORT_LENGTH);
        info.put((byte) MULTIPORT_DESTINATION).put((byte) ports.size());
        ports.forEach(port -> info.putShort((short) (int) port));
        info.put(MULTIPORT_LENGTH - 1, (byte) (match.negated() ? 1 : 0));
        return new XtMatch("multiport", 1, octets(info));
    }

    /** {@code struct xt_owner_match_info}: two ranges of ids, which to look at, which of them are inverted. */
    static XtMatch uid(Match.UidOwner match) {
        return owner(buffer(24).putInt((int) match.uid()).putInt((int) match.uid()), OWNER_UID, match.negated());
    }

    static XtMatch gid(Match.GidOwner match) {
        return owner(
                buffer(24).putLong(0).putInt((int) match.gid()).putInt((int) match.gid()), OWNER_GID, match.negated());
    }

    /** {@code struct xt_conntrack_mtinfo3}: of all that it can look at, the states only. */
    static XtMatch conntrack(Set<ConnectionState> states) {
        ByteBuffer info = buffer(CONNTRACK_LENGTH);
        info.putShort(CONNTRACK_FLAGS, (short) CONNTRACK_STATE);
        info.putShort(CONNTRACK_STATE_MASK, (short)
                states.stream().mapToInt(Extensions::bit).sum());
        return new XtMatch("conntrack", 3, octets(info));
    }

    /** {@code XT_CONNTRACK_STATE_BIT}, {@code XT_CONNTRACK_STATE_INVALID}, {@code XT_CONNTRACK_STATE_UNTRACKED}. */
    static int bit(ConnectionState state) {
        return switch (state) {
            case INVALID -> 1;
            case ESTABLISHED -> 1 << 1;
            case RELATED -> 1 << 2;
            case NEW -> 1 << 3;
            case UNTRACKED -> 1 << 8;
        };
    }

    /** {@code struct xt_mark_mtinfo1}, {@code struct xt_connmark_mtinfo1}: mark, mask, whether inverted. */
    static XtMatch mark(String name, Mark mark, boolean negated) {
        ByteBuffer info = buffer(16).putInt(mark.value()).putInt(mark.mask());
        return new XtMatch(name, 1, octets(info.put((byte) (negated ? 1 : 0))));
    }

    /**
     * {@code struct nf_nat_ipv4_multi_range_compat}: one range of flags, addresses and ports in network byte order; for
     * IPv6 {@code struct nf_nat_range}, the same with longer addresses and without the number of ranges.
     */
    static XtTarget redirect(IpFamily family, int port) {
        ByteBuffer info = switch (family) {
            case IPV4 -> buffer(REDIRECT4_LENGTH).putInt(1).putInt(NAT_PORTS).position(16);
            case IPV6 -> buffer(REDIRECT6_LENGTH).putInt(NAT_PORTS).position(36);
        };
        info.order(ByteOrder.BIG_ENDIAN).putShort((short) port).putShort((short) port);
        return new XtTarget("REDIRECT", 0, octets(info));
    }

    /**
     * {@code struct xt_tproxy_target_info_v1}: mask and value of the mark, the address, the port in network byte order.
     */
    static XtTarget tproxy(Target.Tproxy target) {
        ByteBuffer info =
                buffer(TPROXY_LENGTH).putInt(FULL_MASK).putInt(target.mark()).position(24);
        info.order(ByteOrder.BIG_ENDIAN).putShort((short) target.port());
        return new XtTarget("TPROXY", 1, octets(info));
    }

    /** {@code struct xt_mark_tginfo2}: mark and mask. */
    static XtTarget setMark(int mark) {
        return new XtTarget("MARK", 2, octets(buffer(8).putInt(mark).putInt(FULL_MASK)));
    }

    /**
     * {@code struct xt_connmark_tginfo2}: mark, its mask, the packet's mask, direction and width of a shift, what to
     * do.
     */
    static XtTarget connmark(int mode) {
        return connmark(mode, Mark.whole(0));
    }

    /** The same with a mark to set. */
    static XtTarget connmark(int mode, Mark mark) {
        ByteBuffer info = buffer(16).putInt(mark.value()).putInt(mark.mask()).putInt(FULL_MASK);
        return new XtTarget("CONNMARK", 2, octets(info.put(14, (byte) mode)));
    }

    /**
     * {@code struct xt_ct_target_info_v1}: flags, zone, events, helper, timeout policy, and room for the kernel's own
     * pointer.
     */
    static XtTarget zone(int zone) {
        return new XtTarget(
                "CT", 2, octets(buffer(CT_LENGTH).putShort((short) 0).putShort((short) zone)));
    }

    private static XtMatch owner(ByteBuffer ranges, int which, boolean negated) {
        return new XtMatch("owner", 1, octets(ranges.put(16, (byte) which).put(17, (byte) (negated ? which : 0))));
    }

    private static ByteBuffer buffer(int length) {
        return ByteBuffer.allocate(length).order(ByteOrder.nativeOrder());
    }

    private static Octets octets(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.capacity()];
        buffer.clear().get(bytes);
        return Octets.of(bytes);
    }
}
