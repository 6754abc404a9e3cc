// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import java.util.Optional;
import java.util.stream.Stream;

/** Which packets a table sees: the {@code NFPROTO_} numbers of {@code linux/netfilter.h}. */
public enum NfProto {
    /** In a request: of all families. */
    UNSPEC(0),
    INET(1),
    IPV4(2),
    ARP(3),
    NETDEV(5),
    BRIDGE(7),
    IPV6(10);

    private final int number;

    NfProto(int number) {
        this.number = number;
    }

    /** The kernel's number. */
    public int number() {
        return number;
    }

    /** The family of a number. */
    static Optional<NfProto> of(int number) {
        return Stream.of(values()).filter(family -> family.number == number).findFirst();
    }
}
