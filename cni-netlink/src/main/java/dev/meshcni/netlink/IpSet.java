// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import java.util.Objects;

/**
 * A set of ip_set ({@code IPSET_ATTR_SETNAME}, {@code IPSET_ATTR_TYPENAME}, {@code IPSET_ATTR_FAMILY}).
 *
 * @param comments whether its entries carry comments ({@code IPSET_FLAG_WITH_COMMENT})
 */
public record IpSet(String name, String type, NfProto family, boolean comments) {
    /** The type of sets of single addresses. */
    public static final String ADDRESSES = "hash:ip";

    public IpSet {
        Objects.requireNonNull(name, "name is null");
        Objects.requireNonNull(type, "type is null");
        Objects.requireNonNull(family, "family is null");
    }

    /** A set of addresses with comments. */
    public static IpSet ofAddresses(String name, NfProto family) {
        return new IpSet(name, ADDRESSES, family, true);
    }
}
