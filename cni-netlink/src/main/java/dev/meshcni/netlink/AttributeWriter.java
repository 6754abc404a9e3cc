// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * Writes netlink attributes ({@code struct nlattr}, {@code netlink(7)}): each has a length, a type and a value, and
 * starts at a multiple of four bytes. Lengths and types are in the byte order of the machine. Values are too in
 * rtnetlink; in nf_tables they are in network byte order.
 */
public final class AttributeWriter {
    /** {@code NLA_F_NESTED}: the value is a list of attributes. */
    static final int NESTED = 0x8000;

    static final int HEADER_LENGTH = 4;

    /** The length of an attribute has 16 bits. */
    private static final int MAX_LENGTH = 0xffff;

    private static final int INITIAL_CAPACITY = 256;

    private ByteBuffer buffer;

    AttributeWriter() {
        this(INITIAL_CAPACITY);
    }

    private AttributeWriter(int capacity) {
        this.buffer = ByteBuffer.allocate(capacity).order(ByteOrder.nativeOrder());
    }

    /** The attributes so far, as bytes. */
    static byte[] write(Consumer<AttributeWriter> attributes) {
        AttributeWriter writer = new AttributeWriter();
        attributes.accept(writer);
        return writer.toBytes();
    }

    /** An attribute with any value. */
    public AttributeWriter bytes(int type, byte[] value) {
        int start = start(type, value.length);
        buffer.put(value);
        end(start);
        return this;
    }

    /** An attribute with any value. */
    public AttributeWriter bytes(int type, Octets value) {
        return bytes(type, value.bytes());
    }

    /** {@code NLA_U32} in the byte order of the machine. */
    public AttributeWriter u32(int type, int value) {
        int start = start(type, Integer.BYTES);
        buffer.putInt(value);
        end(start);
        return this;
    }

    /** {@code NLA_U32} in network byte order. */
    public AttributeWriter be32(int type, int value) {
        return u32(type, ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN ? value : Integer.reverseBytes(value));
    }

    /** {@code NLA_U64} in network byte order. */
    public AttributeWriter be64(int type, long value) {
        int start = start(type, Long.BYTES);
        buffer.putLong(ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN ? value : Long.reverseBytes(value));
        end(start);
        return this;
    }

    /** {@code NLA_NUL_STRING}, each character one byte (ISO 8859-1): the kernel knows no encoding. */
    public AttributeWriter string(int type, String value) {
        return bytes(type, (value + '\0').getBytes(StandardCharsets.ISO_8859_1));
    }

    /** {@code NLA_NESTED}: attributes in an attribute. */
    public AttributeWriter nested(int type, Consumer<AttributeWriter> attributes) {
        int start = start(type | NESTED, 0);
        attributes.accept(this);
        end(start);
        return this;
    }

    int length() {
        return buffer.position();
    }

    byte[] toBytes() {
        return Arrays.copyOf(buffer.array(), buffer.position());
    }

    void put(ByteBuffer target) {
        target.put(buffer.array(), 0, buffer.position());
    }

    /** Adds a field of a structure that stands before the attributes. */
    void u8(int value) {
        room(1);
        buffer.put((byte) value);
    }

    void u16(int value) {
        room(Short.BYTES);
        buffer.putShort((short) value);
    }

    void u32(int value) {
        room(Integer.BYTES);
        buffer.putInt(value);
    }

    private int start(int type, int length) {
        room(HEADER_LENGTH + length + 3);
        int start = buffer.position();
        buffer.putShort((short) 0).putShort((short) type);
        return start;
    }

    private void end(int start) {
        int length = buffer.position() - start;
        if (length > MAX_LENGTH) {
            throw new NetlinkException("an attribute of " + length + " bytes, at most " + MAX_LENGTH + " fit in one");
        }
        buffer.putShort(start, (short) length);
        room(3);
        while (buffer.position() % 4 != 0) {
            buffer.put((byte) 0);
        }
    }

    private void room(int bytes) {
        if (buffer.remaining() < bytes) {
            int capacity = Math.max(2 * buffer.capacity(), buffer.position() + bytes);
            buffer =
                    ByteBuffer.allocate(capacity).order(ByteOrder.nativeOrder()).put(buffer.flip());
        }
    }
}
