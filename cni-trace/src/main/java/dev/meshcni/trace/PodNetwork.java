// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.trace;

import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.IpFamily;
import java.net.InetAddress;
import java.util.List;
import java.util.Objects;

/**
 * The properties of a pod's network needed to trace a packet through it.
 *
 * @param device the interface that leads out of the pod
 * @param addresses the pod's addresses, the first of each family is the primary one
 */
public record PodNetwork(InterfaceName device, List<InetAddress> addresses) {
    private static final InetAddress IPV4_LOOPBACK = InetAddress.ofLiteral("127.0.0.1");
    private static final InetAddress IPV6_LOOPBACK = InetAddress.ofLiteral("::1");

    public PodNetwork {
        Objects.requireNonNull(device, "device is null");
        addresses = List.copyOf(addresses);
    }

    /** A network that stands in for a pod's that is not known, with addresses that are set aside for documentation. */
    public static PodNetwork standIn() {
        return new PodNetwork(
                new InterfaceName("eth0"),
                List.of(InetAddress.ofLiteral("192.0.2.10"), InetAddress.ofLiteral("2001:db8::10")));
    }

    /** The address of the loopback device. */
    static InetAddress loopback(IpFamily family) {
        return switch (family) {
            case IPV4 -> IPV4_LOOPBACK;
            case IPV6 -> IPV6_LOOPBACK;
        };
    }

    /** The pod's primary address of a family, the loopback address if it has none. */
    public InetAddress primary(IpFamily family) {
        return addresses.stream()
                .filter(address -> Cidr.host(address).family() == family)
                .findFirst()
                .orElse(loopback(family));
    }

    /** Returns whether packets to this address stay inside the pod. */
    public boolean isLocal(InetAddress address) {
        return address.isLoopbackAddress() || addresses.contains(address);
    }

    /** The source address that the pod uses for packets to this destination. */
    public InetAddress sourceFor(InetAddress destination) {
        return isLocal(destination)
                ? destination
                : primary(Cidr.host(destination).family());
    }
}
