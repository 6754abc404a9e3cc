// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.Optional;

/** A TCP segment without options and data (RFC 9293, section 3.1), for packets that no connection would send. */
record TcpSegment(int sourcePort, int destinationPort, int flags) {
    static final int RESET = 0x04;
    static final int SYN_ACK = 0x12;

    private static final int LENGTH = 20;
    private static final int IPV4_HEADER = 20;
    private static final int PROTOCOL = 6;

    /** The segment as it is sent between two addresses, which its checksum counts in. */
    byte[] encode(InetAddress source, InetAddress destination) {
        ByteBuffer segment = ByteBuffer.allocate(LENGTH)
                .putShort((short) sourcePort)
                .putShort((short) destinationPort)
                .putInt(1)
                .putInt(1)
                .put((byte) ((LENGTH / Integer.BYTES) << 4))
                .put((byte) flags)
                .putShort((short) 0xffff);
        return segment.putShort(16, checksum(source.getAddress(), destination.getAddress(), segment.array()))
                .array();
    }

    /** What a raw socket has received; empty when it is too short. */
    static Optional<TcpSegment> decode(byte[] received, boolean ipv4) {
        ByteBuffer segment = ByteBuffer.wrap(received);
        int start = ipv4 ? IPV4_HEADER : 0;
        return received.length < start + LENGTH
                ? Optional.empty()
                : Optional.of(new TcpSegment(
                        Short.toUnsignedInt(segment.getShort(start)),
                        Short.toUnsignedInt(segment.getShort(start + 2)),
                        segment.get(start + 13)));
    }

    boolean has(int flag) {
        return (flags & flag) == flag;
    }

    /** The ones' complement of the sum over both addresses, protocol, length and segment. */
    private static short checksum(byte[] source, byte[] destination, byte[] segment) {
        ByteBuffer summed = ByteBuffer.allocate(2 * source.length + 4 + segment.length)
                .put(source)
                .put(destination)
                .putShort((short) PROTOCOL)
                .putShort((short) segment.length)
                .put(segment)
                .flip();
        int sum = 0;
        while (summed.hasRemaining()) {
            sum += Short.toUnsignedInt(summed.getShort());
        }
        sum = (sum & 0xffff) + (sum >>> 16);
        return (short) ~(sum + (sum >>> 16));
    }
}
