// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Objects;

/** Bytes that do not change: the contents of a register, the key of a set element, the structure of an extension. */
public final class Octets {
    /** No bytes. */
    public static final Octets NONE = new Octets(new byte[0]);

    private final byte[] bytes;
    private final int start;
    private final int length;

    private Octets(byte[] bytes) {
        this(bytes, 0, bytes.length);
    }

    private Octets(byte[] bytes, int start, int length) {
        this.bytes = bytes;
        this.start = start;
        this.length = length;
    }

    /** These bytes. */
    public static Octets of(byte[] bytes) {
        return new Octets(bytes.clone());
    }

    /** These bytes themselves, for a caller that will not change them. */
    static Octets wrap(byte[] bytes) {
        return new Octets(bytes);
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
        return length;
    }

    /** A copy of the bytes. */
    public byte[] bytes() {
        return Arrays.copyOfRange(bytes, start, start + length);
    }

    /** A view of the bytes that cannot change them, in the byte order of the machine. */
    public ByteBuffer buffer() {
        return ByteBuffer.wrap(bytes, start, length).slice().asReadOnlyBuffer().order(ByteOrder.nativeOrder());
    }

    /** Some of these bytes. */
    public Octets slice(int from, int count) {
        return new Octets(bytes, start + Objects.checkFromIndexSize(from, count, length), count);
    }

    /** Where a slice of these bytes begins. */
    int offset(Octets slice) {
        return slice.start - start;
    }

    /** Returns whether bytes of others are the same, from one place on to right before another. */
    boolean isSame(Octets other, int from, int to) {
        return Arrays.equals(bytes, start + from, start + to, other.bytes, other.start + from, other.start + to);
    }

    /** The bytes before the first NUL, each as one character (ISO 8859-1). */
    public String text() {
        int end = 0;
        while (end < length && bytes[start + end] != 0) {
            end++;
        }
        return new String(bytes, start, end, StandardCharsets.ISO_8859_1);
    }

    /** Four bytes in the byte order of the machine as a number. */
    public int u32() {
        return buffer().getInt();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Octets that
                && Arrays.equals(bytes, start, start + length, that.bytes, that.start, that.start + that.length);
    }

    @Override
    public int hashCode() {
        int hash = 1;
        for (int i = start; i < start + length; i++) {
            hash = 31 * hash + bytes[i];
        }
        return hash;
    }

    /** The bytes in hexadecimal, as in {@code 0x7f000001}. */
    @Override
    public String toString() {
        return "0x" + HexFormat.of().formatHex(bytes, start, start + length);
    }
}
