// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.iptables;

import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.TransportProtocol;
import java.net.InetAddress;

/**
 * One packet that is sent to find out where it arrives.
 *
 * @param protocol how it is sent
 * @param uid the user that sends it
 * @param gid the group that sends it
 * @param source the address that it is sent from
 * @param destination the address that it is sent to: always one of the pod's own, so that it stays inside whatever the
 *     rules are
 * @param port the port that it is sent to
 * @param expected the port that the rules should send it to
 */
record Probe(
        TransportProtocol protocol,
        long uid,
        long gid,
        InetAddress source,
        InetAddress destination,
        int port,
        int expected) {
    @Override
    public String toString() {
        return protocol.label() + " of user " + uid + " to " + text(destination) + " port " + port;
    }

    /** An address in its short form, {@code ::6}. */
    static String text(InetAddress address) {
        return Cidr.host(address).toString().replaceFirst("/.*", "");
    }
}
