// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient.host;

import dev.meshcni.netlink.NfProto;
import dev.meshcni.netlink.Octets;
import dev.meshcni.rules.IpFamily;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;

/** The two families of addresses, as kernel and people know them. */
final class Families {
    private static final Comparator<InetAddress> BY_BYTES = Comparator.comparing(
                    InetAddress::getAddress, Comparator.comparingInt(bytes -> bytes.length))
            .thenComparing(InetAddress::getAddress, Arrays::compareUnsigned);

    private Families() {}

    static IpFamily of(InetAddress address) {
        return address instanceof Inet6Address ? IpFamily.IPV6 : IpFamily.IPV4;
    }

    /** The kernel's number. */
    static NfProto proto(IpFamily family) {
        return switch (family) {
            case IPV4 -> NfProto.IPV4;
            case IPV6 -> NfProto.IPV6;
        };
    }

    /** The length of an address in bytes. */
    static int length(IpFamily family) {
        return family.addressBits() / Byte.SIZE;
    }

    /** As people write it. */
    static String label(IpFamily family) {
        return switch (family) {
            case IPV4 -> "IPv4";
            case IPV6 -> "IPv6";
        };
    }

    /** The address of 4 or 16 bytes. */
    static InetAddress address(Octets bytes) {
        try {
            // An IPv6 address stays one, even if it stands for one of IPv4.
            return bytes.length() == Integer.BYTES
                    ? InetAddress.getByAddress(bytes.bytes())
                    : Inet6Address.getByAddress(null, bytes.bytes(), -1);
        } catch (UnknownHostException e) {
            throw new IllegalStateException("an address has 4 or 16 bytes", e);
        }
    }

    /** The entries of one family. */
    static Map<InetAddress, String> entriesOf(IpFamily family, Map<InetAddress, String> all) {
        Map<InetAddress, String> entries = entries();
        all.forEach((address, uid) -> {
            if (of(address) == family) {
                entries.put(address, uid);
            }
        });
        return entries;
    }

    /** An empty map in the order of addresses. */
    static Map<InetAddress, String> entries() {
        return new TreeMap<>(BY_BYTES);
    }
}
