// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.TransportProtocol;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Optional;

/**
 * One connection, or one datagram, that a test sends to see where it arrives.
 *
 * @param destination where the application means it to go
 * @param owner whose socket sends it
 * @param source the address that the socket is bound to, if to any
 */
record Probe(TransportProtocol protocol, InetSocketAddress destination, Owner owner, Optional<InetAddress> source) {
    static Probe tcp(String address, int port) {
        return of(TransportProtocol.TCP, address, port);
    }

    static Probe udp(String address, int port) {
        return of(TransportProtocol.UDP, address, port);
    }

    private static Probe of(TransportProtocol protocol, String address, int port) {
        InetSocketAddress destination = new InetSocketAddress(InetAddress.ofLiteral(address), port);
        return new Probe(protocol, destination, Owner.ROOT, Optional.empty());
    }

    /** The same packet from a socket of somebody else. */
    Probe as(Owner other) {
        return new Probe(protocol, destination, other, source);
    }

    /** The same packet with a source address. */
    Probe from(String address) {
        return new Probe(protocol, destination, owner, Optional.of(InetAddress.ofLiteral(address)));
    }

    IpFamily family() {
        return destination.getAddress() instanceof Inet4Address ? IpFamily.IPV4 : IpFamily.IPV6;
    }
}
