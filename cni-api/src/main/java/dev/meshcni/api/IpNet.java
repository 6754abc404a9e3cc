// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Objects;

/**
 * An address with the length of its network's prefix, such as {@code 10.1.2.3/24}. The bits after the prefix are kept:
 * this is an address in a network as well as a network.
 *
 * <p>API status: STABLE (docs/versioning.md).
 *
 * @param address the address
 * @param prefixLength the length of the prefix in bits
 * @since 0.1.0
 */
public record IpNet(InetAddress address, int prefixLength) {
    private static final int LONGEST_LITERAL = 45;

    public IpNet {
        Objects.requireNonNull(address, "address is null");
        if (prefixLength < 0 || prefixLength > address.getAddress().length * 8) {
            throw new IllegalArgumentException("prefix length " + prefixLength + " does not fit " + text(address));
        }
    }

    /**
     * Parses {@code ADDRESS/PREFIX}; never resolves a name.
     *
     * @throws IllegalArgumentException if this is something else
     */
    public static IpNet parse(String text) {
        int slash = text.indexOf('/');
        if (slash < 0) {
            throw new IllegalArgumentException(Quote.of(text) + " is not an address with a prefix length");
        }
        return new IpNet(parseAddress(text.substring(0, slash)), parsePrefix(text, text.substring(slash + 1)));
    }

    /**
     * Parses a literal IPv4 or IPv6 address; never resolves a name. IPv6 addresses have no zone and do not stand for
     * IPv4 addresses.
     *
     * @throws IllegalArgumentException if this is something else
     */
    public static InetAddress parseAddress(String text) {
        boolean colon = text.indexOf(':') >= 0;
        // Only what begins so and has a colon, or is a dotted quad, is never taken for a name by the JDK.
        boolean plausible = text.length() <= LONGEST_LITERAL
                && text.chars().allMatch(IpNet::isAddressCharacter)
                && (isDottedQuad(text) || (colon && text.charAt(0) != '.'));
        if (!plausible) {
            throw new IllegalArgumentException(Quote.of(text) + " is not an IP address");
        }
        InetAddress address;
        try {
            address = InetAddress.getByName(text);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(Quote.of(text) + " is not an IP address", e);
        }
        if (colon && !(address instanceof Inet6Address)) {
            throw new IllegalArgumentException(Quote.of(text) + " is an IPv4 address in the form of an IPv6 address");
        }
        return address;
    }

    /** An address as RFC 5952 writes it: in lower case, with the longest run of zero groups left out. */
    public static String text(InetAddress address) {
        return address instanceof Inet6Address ? ipv6(address.getAddress()) : address.getHostAddress();
    }

    /** Returns whether this is an IPv6 address. */
    public boolean isIpv6() {
        return address instanceof Inet6Address;
    }

    /** Returns whether the prefix is as long as the address: this is one host. */
    public boolean isHost() {
        return prefixLength == address.getAddress().length * 8;
    }

    /** {@code ADDRESS/PREFIX}, the address as RFC 5952 writes it. */
    @Override
    public String toString() {
        return text(address) + "/" + prefixLength;
    }

    private static int parsePrefix(String whole, String text) {
        boolean digits = !text.isEmpty() && text.length() <= 3 && text.chars().allMatch(c -> c >= '0' && c <= '9');
        if (!digits) {
            throw new IllegalArgumentException(Quote.of(whole) + " has no prefix length");
        }
        return Integer.parseInt(text);
    }

    private static boolean isAddressCharacter(int c) {
        return "0123456789abcdefABCDEF.:".indexOf(c) >= 0;
    }

    private static boolean isDottedQuad(String text) {
        String[] parts = text.split("\\.", -1);
        if (parts.length != 4) {
            return false;
        }
        for (String part : parts) {
            if (!isOctet(part)) {
                return false;
            }
        }
        return true;
    }

    /** A number up to 255 without leading zeros. */
    private static boolean isOctet(String text) {
        if (text.isEmpty() || text.length() > 3 || (text.length() > 1 && text.charAt(0) == '0')) {
            return false;
        }
        int number = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < '0' || c > '9') {
                return false;
            }
            number = 10 * number + c - '0';
        }
        return number <= 255;
    }

    private static String ipv6(byte[] bytes) {
        int[] groups = new int[8];
        for (int i = 0; i < 8; i++) {
            groups[i] = ((bytes[2 * i] & 0xff) << 8) | (bytes[2 * i + 1] & 0xff);
        }
        int runStart = -1;
        int runLength = 1;
        for (int start = 0; start < 8; start++) {
            int end = start;
            while (end < 8 && groups[end] == 0) {
                end++;
            }
            if (end - start > runLength) {
                runStart = start;
                runLength = end - start;
            }
        }
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 8; i++) {
            if (i == runStart) {
                text.append("::");
                i += runLength - 1;
            } else {
                boolean first = text.isEmpty() || text.charAt(text.length() - 1) == ':';
                text.append(first ? "" : ":").append(Integer.toHexString(groups[i]));
            }
        }
        return text.toString();
    }
}
