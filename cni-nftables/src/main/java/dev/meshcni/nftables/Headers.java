// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.nftables;

import dev.meshcni.netlink.Expression;
import dev.meshcni.netlink.Expression.Cmp;
import dev.meshcni.netlink.Expression.CmpOp;
import dev.meshcni.netlink.Expression.MetaKey;
import dev.meshcni.netlink.Expression.MetaLoad;
import dev.meshcni.netlink.Expression.PayloadBase;
import dev.meshcni.netlink.Expression.PayloadLoad;
import dev.meshcni.netlink.NfProto;
import dev.meshcni.netlink.Octets;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.TransportProtocol;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;

/** The offsets of fields in the headers of a packet, and the expressions that load and compare them. */
final class Headers {
    /** The register that all values go through, {@code NFT_REG_1}. */
    static final int REGISTER = 1;

    /** {@code sport} of {@code struct tcphdr} and {@code struct udphdr}. */
    static final int SOURCE_PORT = 0;

    /** {@code dport} of {@code struct tcphdr} and {@code struct udphdr}. */
    static final int DESTINATION_PORT = 2;

    static final int PORT_LENGTH = 2;

    private static final int IPPROTO_TCP = 6;
    private static final int IPPROTO_UDP = 17;

    private Headers() {}

    static NfProto family(IpFamily family) {
        return switch (family) {
            case IPV4 -> NfProto.IPV4;
            case IPV6 -> NfProto.IPV6;
        };
    }

    /** {@code saddr} of {@code struct iphdr} or {@code struct ipv6hdr}. */
    static int sourceOffset(IpFamily family) {
        return switch (family) {
            case IPV4 -> 12;
            case IPV6 -> 8;
        };
    }

    /** {@code daddr} of {@code struct iphdr} or {@code struct ipv6hdr}. */
    static int destinationOffset(IpFamily family) {
        return sourceOffset(family) + addressLength(family);
    }

    static int addressLength(IpFamily family) {
        return family.addressBits() / Byte.SIZE;
    }

    static int number(TransportProtocol protocol) {
        return switch (protocol) {
            case TCP -> IPPROTO_TCP;
            case UDP -> IPPROTO_UDP;
        };
    }

    /** {@code meta l4proto}, which finds the protocol behind the extension headers of IPv6 too. */
    static List<Expression> protocol(TransportProtocol protocol) {
        return List.of(
                new MetaLoad(MetaKey.L4PROTO, REGISTER), new Cmp(CmpOp.EQ, REGISTER, Octets.u8(number(protocol))));
    }

    static PayloadLoad network(int offset, int length) {
        return new PayloadLoad(PayloadBase.NETWORK, offset, length, REGISTER);
    }

    static PayloadLoad port(int offset) {
        return new PayloadLoad(PayloadBase.TRANSPORT, offset, PORT_LENGTH, REGISTER);
    }

    static CmpOp op(boolean negated) {
        return negated ? CmpOp.NEQ : CmpOp.EQ;
    }

    /** The address of 4 or 16 bytes. */
    static InetAddress inetAddress(byte[] bytes) {
        try {
            // An IPv6 address stays one, even if it stands for one of IPv4.
            return bytes.length == Integer.BYTES
                    ? InetAddress.getByAddress(bytes)
                    : Inet6Address.getByAddress(null, bytes, -1);
        } catch (UnknownHostException e) {
            throw new IllegalStateException("an address has 4 or 16 bytes", e);
        }
    }

    /** The first bytes of an address. */
    static Octets address(Cidr block, int length) {
        return Octets.of(Arrays.copyOf(block.address().getAddress(), length));
    }

    /** A number of bits that are one, in the length of an address. */
    static Octets mask(int bits, int length) {
        byte[] mask = new byte[length];
        for (int bit = 0; bit < bits; bit++) {
            mask[bit / Byte.SIZE] |= (byte) (0x80 >> bit % Byte.SIZE);
        }
        return Octets.of(mask);
    }
}
