// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;

/**
 * A request, as it is written ({@code netlink(7)}): a header, a structure of the message type, then attributes. Numbers
 * of the header and of the structure are in the byte order of the machine.
 */
public final class NetlinkMessage {
    /** The length of {@code struct nlmsghdr}. */
    public static final int HEADER_LENGTH = 16;

    /** {@code NLM_F_REQUEST}. */
    public static final int REQUEST = 1;

    /** {@code NLM_F_ACK}: answer when it is done. */
    public static final int ACK = 4;

    /** {@code NLM_F_EXCL}: fail if it is there. */
    public static final int EXCL = 0x200;

    /** {@code NLM_F_CREATE}: make it. */
    public static final int CREATE = 0x400;

    /** {@code NLM_F_APPEND}: put it behind what is there. */
    public static final int APPEND = 0x800;

    /** {@code NLM_F_DUMP}: list all. */
    public static final int DUMP = 0x300;

    private final int type;
    private final int flags;
    private final AttributeWriter body = new AttributeWriter();

    /** A request without a body. */
    public NetlinkMessage(int type, int flags) {
        this.type = type;
        this.flags = REQUEST | flags;
    }

    /** The message type. */
    public int type() {
        return type;
    }

    /** The flags, {@link #REQUEST} among them. */
    public int flags() {
        return flags;
    }

    /** Adds one-byte fields of the message's structure. */
    public NetlinkMessage bytes(int... values) {
        for (int value : values) {
            body.u8(value);
        }
        return this;
    }

    /** Adds a four-byte field of the message's structure. */
    public NetlinkMessage number(int value) {
        body.u32(value);
        return this;
    }

    /** Adds an attribute. */
    public NetlinkMessage attribute(int attribute, byte[] value) {
        body.bytes(attribute, value);
        return this;
    }

    /** Adds an attribute with a number in the byte order of the machine. */
    public NetlinkMessage attribute(int attribute, int value) {
        body.u32(attribute, value);
        return this;
    }

    /** Adds attributes. */
    public NetlinkMessage attributes(Consumer<AttributeWriter> attributes) {
        attributes.accept(body);
        return this;
    }

    /** The number of bytes of {@link #encode}. */
    public int length() {
        return HEADER_LENGTH + body.length();
    }

    /** The bytes after the header. */
    public Octets body() {
        return Octets.of(body.toBytes());
    }

    /** The message as the kernel takes it. */
    public byte[] encode(int sequence) {
        ByteBuffer buffer = ByteBuffer.allocate(length()).order(ByteOrder.nativeOrder());
        put(buffer, sequence, 0);
        return buffer.array();
    }

    /** Writes the message, with more flags, into a buffer in the byte order of the machine. */
    void put(ByteBuffer buffer, int sequence, int more) {
        buffer.putInt(length())
                .putShort((short) type)
                .putShort((short) (flags | more))
                .putInt(sequence)
                .putInt(0);
        body.put(buffer);
    }
}
