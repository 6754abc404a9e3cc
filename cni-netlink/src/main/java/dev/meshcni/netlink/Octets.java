package dev.meshcni.netlink;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;

/** Bytes that do not change: the contents of a register, the key of a set element, the structure of an extension. */
public final class Octets {
    /** No bytes. */
    public static final Octets NONE = new Octets(new byte[0]);

    private final byte[] bytes;

    private Octets(byte[] bytes) {
        this.bytes = bytes;
    }

    /** These bytes. */
    public static Octets of(byte[] bytes) {
        return new Octets(bytes.clone());
    }

    /** One byte. */
    public static Octets u8(int value) {
        return new Octets(new byte[] {(byte) value});
    }

    /** Two bytes in network byte order, as ports are compared. */
    public static Octets be16(int value) {
        return new Octets(new byte[] {(byte) (value >> 8), (byte) value});
    }

    /** Two bytes in the byte order of the machine, as the zone of a connection is. */
    public static Octets u16(int value) {
        return new Octets(ByteBuffer.allocate(Short.BYTES)
                .order(ByteOrder.nativeOrder())
                .putShort((short) value)
                .array());
    }

    /** Four bytes in the byte order of the machine, as marks and user ids are compared. */
    public static Octets u32(int value) {
        return new Octets(ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.nativeOrder())
                .putInt(value)
                .array());
    }

    /** The number of bytes. */
    public int length() {
        return bytes.length;
    }

    /** A copy of the bytes. */
    public byte[] bytes() {
        return bytes.clone();
    }

    /** A view of the bytes that cannot change them, in the byte order of the machine. */
    public ByteBuffer buffer() {
        return ByteBuffer.wrap(bytes).asReadOnlyBuffer().order(ByteOrder.nativeOrder());
    }

    /** Four bytes in the byte order of the machine as a number. */
    public int u32() {
        return buffer().getInt();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Octets that && Arrays.equals(bytes, that.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    /** The bytes in hexadecimal, as in {@code 0x7f000001}. */
    @Override
    public String toString() {
        return "0x" + HexFormat.of().formatHex(bytes);
    }
}
