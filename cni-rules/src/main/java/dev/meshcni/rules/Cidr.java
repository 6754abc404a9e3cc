// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.rules;

import dev.meshcni.api.IpNet;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Objects;

/**
 * A block of addresses in canonical form: the bits after the prefix are zero, as the kernel keeps them (RFC 4632,
 * section 3.1).
 *
 * <p>Parsing never resolves a name: only literal addresses are accepted.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public final class Cidr {
    private final InetAddress address;
    private final int prefixLength;

    private Cidr(InetAddress address, int prefixLength) {
        this.address = address;
        this.prefixLength = prefixLength;
    }

    /**
     * Parses {@code ADDRESS/PREFIX}, or a lone address, which stands for itself only.
     *
     * @throws IllegalArgumentException if the text is not a literal address with a prefix that fits it
     */
    public static Cidr parse(String text) {
        Objects.requireNonNull(text, "text is null");
        try {
            if (text.indexOf('/') < 0) {
                return host(IpNet.parseAddress(text));
            }
            if (text.length() > text.indexOf('/') + 2 && text.charAt(text.indexOf('/') + 1) == '0') {
                throw new IllegalArgumentException("a prefix length has no leading zeros");
            }
            IpNet block = IpNet.parse(text);
            return of(block.address(), block.prefixLength());
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("'" + text + "' is not an IP address or CIDR block", e);
        }
    }

    /**
     * The block of the given prefix length that holds an address.
     *
     * @throws IllegalArgumentException if the prefix length does not fit the family of the address
     */
    public static Cidr of(InetAddress address, int prefixLength) {
        byte[] bytes = address.getAddress();
        if (prefixLength < 0 || prefixLength > bytes.length * 8) {
            throw new IllegalArgumentException("prefix length " + prefixLength + " is not in 0.." + bytes.length * 8);
        }
        for (int bit = prefixLength; bit < bytes.length * 8; bit++) {
            bytes[bit / 8] &= (byte) ~(0x80 >> bit % 8);
        }
        return new Cidr(fromBytes(bytes), prefixLength);
    }

    /** The block that holds one address and no other. */
    public static Cidr host(InetAddress address) {
        return of(address, address.getAddress().length * 8);
    }

    /** The first address of the block. */
    public InetAddress address() {
        return address;
    }

    /** The length of the prefix in bits. */
    public int prefixLength() {
        return prefixLength;
    }

    /** The family of the addresses in this block. */
    public IpFamily family() {
        return address instanceof Inet6Address ? IpFamily.IPV6 : IpFamily.IPV4;
    }

    /** Returns whether an address of the same family lies in this block. */
    public boolean contains(InetAddress candidate) {
        byte[] mine = address.getAddress();
        byte[] other = candidate.getAddress();
        if (mine.length != other.length) {
            return false;
        }
        for (int bit = 0; bit < prefixLength; bit++) {
            int mask = 0x80 >> bit % 8;
            if ((mine[bit / 8] & mask) != (other[bit / 8] & mask)) {
                return false;
            }
        }
        return true;
    }

    private static InetAddress fromBytes(byte[] bytes) {
        try {
            return bytes.length == 16 ? Inet6Address.getByAddress(null, bytes, -1) : InetAddress.getByAddress(bytes);
        } catch (UnknownHostException e) {
            throw new IllegalStateException("an address has 4 or 16 bytes", e);
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Cidr that && prefixLength == that.prefixLength && address.equals(that.address);
    }

    @Override
    public int hashCode() {
        return Objects.hash(address, prefixLength);
    }

    /** The block as {@code ADDRESS/PREFIX}, an IPv6 address in its short form (RFC 5952). */
    @Override
    public String toString() {
        return IpNet.text(address) + "/" + prefixLength;
    }
}
