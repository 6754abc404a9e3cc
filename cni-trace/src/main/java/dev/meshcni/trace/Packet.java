// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.trace;

import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.ConnectionState;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.OwnerIds;
import dev.meshcni.rules.Ports;
import dev.meshcni.rules.TransportProtocol;
import java.net.InetAddress;
import java.util.Objects;
import java.util.OptionalLong;

/**
 * A packet as the rules see it.
 *
 * @param protocol its transport protocol
 * @param source the source address
 * @param sourcePort the source port
 * @param destination the destination address, of the same family
 * @param destinationPort the destination port
 * @param uid the user whose socket sent it; empty where no socket of the pod did
 * @param gid the group whose socket sent it, likewise
 * @param mark the packet's mark, 0 for none
 * @param connectionMark the mark of its connection, 0 for none
 * @param state what the kernel knows of its connection
 */
public record Packet(
        TransportProtocol protocol,
        InetAddress source,
        int sourcePort,
        InetAddress destination,
        int destinationPort,
        OptionalLong uid,
        OptionalLong gid,
        int mark,
        int connectionMark,
        ConnectionState state) {
    private static final int CLIENT_PORT = 40_000;

    public Packet {
        Objects.requireNonNull(protocol, "protocol is null");
        Objects.requireNonNull(uid, "uid is null");
        Objects.requireNonNull(gid, "gid is null");
        Objects.requireNonNull(state, "state is null");
        Ports.check(sourcePort);
        Ports.check(destinationPort);
        uid.ifPresent(OwnerIds::check);
        gid.ifPresent(OwnerIds::check);
        if (source.getClass() != destination.getClass()) {
            throw new IllegalArgumentException("source and destination are of different address families");
        }
    }

    /** The first packet of a connection, or the only one of a datagram exchange, without a known sender. */
    public static Packet first(
            TransportProtocol protocol, InetAddress source, InetAddress destination, int destinationPort) {
        return new Packet(
                protocol,
                source,
                CLIENT_PORT,
                destination,
                destinationPort,
                OptionalLong.empty(),
                OptionalLong.empty(),
                0,
                0,
                ConnectionState.NEW);
    }

    /** The same packet, sent by a socket of this user and group. */
    public Packet sentBy(long newUid, long newGid) {
        return new Packet(
                protocol,
                source,
                sourcePort,
                destination,
                destinationPort,
                OptionalLong.of(newUid),
                OptionalLong.of(newGid),
                mark,
                connectionMark,
                state);
    }

    /** The same packet with other marks. */
    public Packet marked(int newMark, int newConnectionMark) {
        return new Packet(
                protocol,
                source,
                sourcePort,
                destination,
                destinationPort,
                uid,
                gid,
                newMark,
                newConnectionMark,
                state);
    }

    /** The same packet of a connection in another state. */
    public Packet inState(ConnectionState newState) {
        return new Packet(
                protocol, source, sourcePort, destination, destinationPort, uid, gid, mark, connectionMark, newState);
    }

    /** The same packet from another source port. */
    public Packet fromPort(int newSourcePort) {
        return new Packet(
                protocol, source, newSourcePort, destination, destinationPort, uid, gid, mark, connectionMark, state);
    }

    /** The same packet on its way to another place. */
    Packet sentTo(InetAddress newDestination, int newDestinationPort) {
        return new Packet(
                protocol,
                source,
                sourcePort,
                newDestination,
                newDestinationPort,
                uid,
                gid,
                mark,
                connectionMark,
                state);
    }

    /** The family of its addresses. */
    public IpFamily family() {
        return Cidr.host(destination).family();
    }
}
