// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import dev.meshcni.rules.IpFamily;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * Which address families of a pod are redirected.
 *
 * @param families the families to redirect: IPv4 always, IPv6 when the proxy listens on it
 * @param uncovered IPv6 addresses of the pod whose traffic bypasses the proxy, as it does not listen on IPv6
 */
public record IpFamilies(Set<IpFamily> families, List<InetAddress> uncovered) {
    public IpFamilies {
        families = Collections.unmodifiableSet(EnumSet.copyOf(families));
        uncovered = List.copyOf(uncovered);
    }

    /**
     * Chooses as Istio does, so that rules and proxy agree: a proxy without dual stack listens on the family of the
     * pod's first address (and on IPv4), one with dual stack on both.
     *
     * @param addresses the pod's addresses in order, from its namespace or its prevResult; loopback, link-local and
     *     multicast ones do not count
     * @param dualStack whether the proxy listens on both families
     */
    public static IpFamilies choose(List<InetAddress> addresses, boolean dualStack) {
        List<InetAddress> usable =
                addresses.stream().filter(IpFamilies::isPodAddress).toList();
        List<InetAddress> ipv6 =
                usable.stream().filter(Inet6Address.class::isInstance).toList();
        boolean listens = dualStack ? !ipv6.isEmpty() : !usable.isEmpty() && usable.getFirst() instanceof Inet6Address;
        return listens
                ? new IpFamilies(EnumSet.allOf(IpFamily.class), List.of())
                : new IpFamilies(EnumSet.of(IpFamily.IPV4), ipv6);
    }

    private static boolean isPodAddress(InetAddress address) {
        return !address.isLoopbackAddress() && !address.isLinkLocalAddress() && !address.isMulticastAddress();
    }
}
