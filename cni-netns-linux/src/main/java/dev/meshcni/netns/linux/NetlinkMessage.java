package dev.meshcni.netns.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;

/**
 * Writes one netlink message, and reads the attributes of one ({@code netlink(7)}, {@code rtnetlink(3)}): a header, a
 * structure of the message type, then attributes of type, length and value, each aligned to four bytes. All numbers are
 * in the byte order of the machine.
 */
final class NetlinkMessage {
    static final int HEADER_LENGTH = 16;

    static final short REQUEST = 1;
    static final short ACK = 4;
    static final short EXCL = 0x200;
    static final short CREATE = 0x400;
    static final short DUMP = 0x300;

    private static final int CAPACITY = 512;
    private static final int ATTRIBUTE_TYPE_MASK = 0x3fff;

    private final ByteBuffer buffer = ByteBuffer.allocate(CAPACITY).order(ByteOrder.nativeOrder());

    NetlinkMessage(int type, int flags) {
        buffer.putInt(0).putShort((short) type).putShort((short) (REQUEST | flags));
        buffer.putInt(0).putInt(0);
    }

    /** Adds one-byte fields of the message's structure. */
    NetlinkMessage bytes(int... values) {
        for (int value : values) {
            buffer.put((byte) value);
        }
        return this;
    }

    /** Adds a four-byte field of the message's structure. */
    NetlinkMessage number(int value) {
        buffer.putInt(value);
        return this;
    }

    NetlinkMessage attribute(int type, byte[] value) {
        buffer.putShort((short) (4 + value.length)).putShort((short) type).put(value);
        while (buffer.position() % 4 != 0) {
            buffer.put((byte) 0);
        }
        return this;
    }

    NetlinkMessage attribute(int type, int value) {
        return attribute(
                type,
                ByteBuffer.allocate(4)
                        .order(ByteOrder.nativeOrder())
                        .putInt(value)
                        .array());
    }

    /** The message as the kernel takes it. */
    byte[] encode(int sequence) {
        ByteBuffer copy = buffer.duplicate().order(ByteOrder.nativeOrder());
        copy.putInt(0, copy.position()).putInt(8, sequence);
        byte[] bytes = new byte[copy.position()];
        copy.flip().get(bytes);
        return bytes;
    }

    /** The attributes by type, from the buffer's position to its end. */
    static Map<Integer, ByteBuffer> attributes(ByteBuffer body) {
        Map<Integer, ByteBuffer> attributes = new HashMap<>();
        while (body.remaining() >= 4) {
            int start = body.position();
            int length = Short.toUnsignedInt(body.getShort());
            int type = body.getShort() & ATTRIBUTE_TYPE_MASK;
            attributes.put(type, body.slice(start + 4, length - 4).order(ByteOrder.nativeOrder()));
            body.position(Math.min(body.limit(), start + (length + 3 & ~3)));
        }
        return attributes;
    }
}
