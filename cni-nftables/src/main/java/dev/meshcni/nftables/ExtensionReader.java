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
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Reads matches and targets of x_tables that {@link Extensions} could have written; one that says more is none of
 * those.
 */
final class ExtensionReader {
    private static final int MULTIPORT_PORTS = 2;

    private ExtensionReader() {}

    /** The meaning of an extension; nothing if it is a comment; empty if the model has no word for it. */
    static Optional<List<Match>> matches(XtMatch match) {
        Octets info = match.info();
        return switch (match.name() + " " + match.revision()) {
            case "comment 0" -> Optional.of(List.of());
            case "tcp 0" -> ports(info, 16, 11);
            case "udp 0" -> ports(info, 16, 8);
            case "multiport 1" -> multiport(info);
            case "owner 1" -> owner(info);
            case "conntrack 3" -> conntrack(info);
            case "mark 1" -> mark(info).map(mark -> List.of(new Match.PacketMark(mark, inverted(info))));
            case "connmark 1" -> mark(info).map(mark -> List.of(new Match.ConnectionMark(mark, inverted(info))));
            default -> Optional.empty();
        };
    }

    /** The effect of a target; empty if the model has no word for it. */
    static Optional<Target> target(IpFamily family, XtTarget target) {
        return candidate(family, target)
                .filter(found -> IptablesExpressions.target(family, found).equals(target));
    }

    private static Optional<Target> candidate(IpFamily family, XtTarget target) {
        ByteBuffer info = target.info().buffer();
        ByteBuffer network = target.info().buffer().order(ByteOrder.BIG_ENDIAN);
        return switch (target.name() + " " + target.revision() + " "
                + target.info().length()) {
            case "REDIRECT 0 24" -> redirect(family == IpFamily.IPV4, network.getShort(16));
            case "REDIRECT 0 40" -> redirect(family == IpFamily.IPV6, network.getShort(36));
            case "TPROXY 1 32" ->
                Optional.of(new Target.Tproxy(Short.toUnsignedInt(network.getShort(24)), info.getInt(4)));
            case "MARK 2 8" -> Optional.of(new Target.SetMark(info.getInt(0)));
            case "CONNMARK 2 16" -> connmark(info);
            case "CT 2 72" -> Optional.of(new Target.CtZone(Short.toUnsignedInt(info.getShort(2))));
            default -> Optional.empty();
        };
    }

    private static Optional<Target> redirect(boolean known, short port) {
        return known ? Optional.of(new Target.Redirect(Short.toUnsignedInt(port))) : Optional.empty();
    }

    private static Optional<Target> connmark(ByteBuffer info) {
        return switch (info.get(14)) {
            case Extensions.CONNMARK_SET ->
                Optional.of(new Target.SetConnectionMark(new Mark(info.getInt(0), info.getInt(4))));
            case Extensions.CONNMARK_SAVE -> Optional.of(new Target.SaveMark());
            case Extensions.CONNMARK_RESTORE -> Optional.of(new Target.RestoreMark());
            default -> Optional.empty();
        };
    }

    private static Optional<List<Match>> ports(Octets octets, int length, int flagsAt) {
        if (octets.length() != length) {
            return Optional.empty();
        }
        ByteBuffer info = octets.buffer();
        int inverted = info.get(flagsAt);
        // Behind the ports: only the flags may say anything.
        for (int i = 8; i < length; i++) {
            if (i != flagsAt && info.get(i) != 0) {
                return Optional.empty();
            }
        }
        Range from = new Range(port(info, 0), port(info, 2), (inverted & Extensions.INVERTED_SOURCE) != 0);
        Range to = new Range(port(info, 4), port(info, 6), (inverted & Extensions.INVERTED_DESTINATION) != 0);
        List<Match> matches = new ArrayList<>();
        if (from.one()) {
            matches.add(new Match.SourcePort(from.first(), from.inverted()));
        }
        if (to.one()) {
            matches.add(new Match.DestinationPort(to.first(), to.inverted()));
        }
        return (from.one() || from.all()) && (to.one() || to.all()) ? Optional.of(matches) : Optional.empty();
    }

    private record Range(int first, int last, boolean inverted) {
        boolean one() {
            return first == last;
        }

        boolean all() {
            return first == 0 && last == Extensions.ALL_PORTS && !inverted;
        }
    }

    private static Optional<List<Match>> multiport(Octets octets) {
        if (octets.length() != Extensions.MULTIPORT_LENGTH) {
            return Optional.empty();
        }
        ByteBuffer info = octets.buffer();
        int count = Byte.toUnsignedInt(info.get(1));
        if (count == 0 || count > Match.DestinationPorts.MAX_PORTS) {
            return Optional.empty();
        }
        List<Integer> ports = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            ports.add(port(info, MULTIPORT_PORTS + i * Short.BYTES));
        }
        Match.DestinationPorts found =
                new Match.DestinationPorts(ports, info.get(Extensions.MULTIPORT_LENGTH - 1) != 0);
        return Optional.<List<Match>>of(List.of(found))
                .filter(_ -> Extensions.multiport(found).info().equals(octets));
    }

    private static Optional<List<Match>> owner(Octets octets) {
        if (octets.length() != 24) {
            return Optional.empty();
        }
        ByteBuffer info = octets.buffer();
        boolean inverted = info.get(17) != 0;
        return switch (info.get(16)) {
            case Extensions.OWNER_UID -> {
                Match.UidOwner found = new Match.UidOwner(Integer.toUnsignedLong(info.getInt(0)), inverted);
                yield same(Extensions.uid(found), octets, found);
            }
            case Extensions.OWNER_GID -> {
                Match.GidOwner found = new Match.GidOwner(Integer.toUnsignedLong(info.getInt(8)), inverted);
                yield same(Extensions.gid(found), octets, found);
            }
            default -> Optional.empty();
        };
    }

    private static Optional<List<Match>> conntrack(Octets octets) {
        if (octets.length() != Extensions.CONNTRACK_LENGTH) {
            return Optional.empty();
        }
        int bits = Short.toUnsignedInt(octets.buffer().getShort(Extensions.CONNTRACK_STATE_MASK));
        Set<ConnectionState> states = EnumSet.noneOf(ConnectionState.class);
        for (ConnectionState state : ConnectionState.values()) {
            if ((bits & Extensions.bit(state)) != 0) {
                states.add(state);
            }
        }
        return states.isEmpty()
                ? Optional.empty()
                : same(Extensions.conntrack(states), octets, new Match.ConnState(states));
    }

    private static Optional<List<Match>> same(XtMatch written, Octets octets, Match match) {
        return written.info().equals(octets) ? Optional.of(List.of(match)) : Optional.empty();
    }

    /** A mark that no packet can have comes out as an {@link IllegalArgumentException}, so as none of ours. */
    private static Optional<Mark> mark(Octets octets) {
        return octets.length() == 16
                ? Optional.of(
                        new Mark(octets.buffer().getInt(0), octets.buffer().getInt(4)))
                : Optional.empty();
    }

    private static boolean inverted(Octets mark) {
        return mark.buffer().get(8) != 0;
    }

    private static int port(ByteBuffer info, int offset) {
        return Short.toUnsignedInt(info.getShort(offset));
    }
}
