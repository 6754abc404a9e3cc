// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.IpFamily;

/**
 * The addresses that have a meaning inside every pod, for one family.
 *
 * @param loopback the range that means the pod itself
 * @param passthrough the address from which the proxy connects to the application
 */
record PodAddresses(Cidr loopback, Cidr passthrough) {
    private static final Cidr IPV4_PASSTHROUGH = Cidr.parse("127.0.0.6/32");
    private static final Cidr IPV6_PASSTHROUGH = Cidr.parse("::6/128");
    private static final Cidr IPV6_LOOPBACK = Cidr.parse("::1/128");

    static PodAddresses of(IpFamily family, RedirectParameters parameters) {
        return switch (family) {
            case IPV4 -> new PodAddresses(parameters.ipv4Loopback(), IPV4_PASSTHROUGH);
            case IPV6 -> new PodAddresses(IPV6_LOOPBACK, IPV6_PASSTHROUGH);
        };
    }
}
