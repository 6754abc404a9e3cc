// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.rules;

/**
 * An address family, and what differs between the two in the rules of a pod.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public enum IpFamily {
    /** IPv4, handled by {@code iptables}. */
    IPV4("ipv4", 32),
    /** IPv6, handled by {@code ip6tables}. */
    IPV6("ipv6", 128);

    private final String label;
    private final int addressBits;

    IpFamily(String label, int addressBits) {
        this.label = label;
        this.addressBits = addressBits;
    }

    /** The name used in options and output, {@code ipv4} or {@code ipv6}. */
    public String label() {
        return label;
    }

    /** The length of an address in bits, which is also the longest prefix. */
    public int addressBits() {
        return addressBits;
    }
}
