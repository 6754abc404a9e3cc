package dev.meshcni.core;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.Objects;

/**
 * A block of addresses in canonical form: the bits after the prefix are zero, as the kernel keeps them
 * (RFC 4632, section 3.1).
 *
 * <p>Parsing never resolves a name: only literal addresses are accepted.
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
        int slash = text.indexOf('/');
        InetAddress address = literal(text, slash < 0 ? text : text.substring(0, slash));
        int bits = address.getAddress().length * 8;
        int prefix = slash < 0 ? bits : prefix(text, text.substring(slash + 1), bits);
        return of(address, prefix);
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

    /** Whether an address of the same family lies in this block. */
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

    private static InetAddress literal(String whole, String part) {
        if (part.isEmpty() || part.length() > 45 || !part.chars().allMatch(Cidr::isAddressCharacter)) {
            throw notCidr(whole, null);
        }
        boolean colon = part.indexOf(':') >= 0;
        if (!colon && !isDottedQuad(part)) {
            throw notCidr(whole, null);
        }
        try {
            InetAddress parsed = InetAddress.ofLiteral(part);
            if (colon && !(parsed instanceof Inet6Address)) {
                throw new IllegalArgumentException(
                        "'" + whole + "' is an IPv4-mapped IPv6 address, write it as an IPv4 address");
            }
            return parsed;
        } catch (IllegalArgumentException e) {
            throw notCidr(whole, e);
        }
    }

    private static boolean isAddressCharacter(int c) {
        return "0123456789abcdefABCDEF.:".indexOf(c) >= 0;
    }

    private static boolean isDottedQuad(String text) {
        String[] parts = text.split("\\.", -1);
        return parts.length == 4 && Arrays.stream(parts).allMatch(Cidr::isOctet);
    }

    private static boolean isOctet(String text) {
        boolean digits = !text.isEmpty() && text.length() <= 3 && text.chars().allMatch(c -> c >= '0' && c <= '9');
        return digits && Integer.parseInt(text) <= 255 && (text.length() == 1 || text.charAt(0) != '0');
    }

    private static int prefix(String whole, String text, int bits) {
        boolean digits = !text.isEmpty() && text.length() <= 3 && text.chars().allMatch(c -> c >= '0' && c <= '9');
        if (!digits || Integer.parseInt(text) > bits) {
            throw notCidr(whole, null);
        }
        return Integer.parseInt(text);
    }

    private static IllegalArgumentException notCidr(String text, IllegalArgumentException cause) {
        return new IllegalArgumentException("'" + text + "' is not an IP address or CIDR block", cause);
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
        return (family() == IpFamily.IPV6 ? shortForm() : address.getHostAddress()) + "/" + prefixLength;
    }

    /** Leaves out the first of the longest runs of two or more zero groups. */
    private String shortForm() {
        String[] groups = address.getHostAddress().split(":");
        int bestStart = 0;
        int bestLength = 1;
        for (int start = 0; start < groups.length; start++) {
            int end = start;
            while (end < groups.length && groups[end].equals("0")) {
                end++;
            }
            if (end - start > bestLength) {
                bestStart = start;
                bestLength = end - start;
            }
        }
        if (bestLength == 1) {
            return address.getHostAddress();
        }
        String before = String.join(":", Arrays.copyOfRange(groups, 0, bestStart));
        String after = String.join(":", Arrays.copyOfRange(groups, bestStart + bestLength, groups.length));
        return before + "::" + after;
    }
}
