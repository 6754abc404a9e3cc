// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * The attributes of a netlink message or of another attribute, as they were read ({@code struct nlattr},
 * {@code netlink(7)}).
 */
public final class Attributes {
    private static final int TYPE_MASK = 0x3fff;

    /** One attribute, without the flags of its type. */
    public record Attribute(int type, Octets value) {}

    private final List<Attribute> list;

    private Attributes(List<Attribute> list) {
        this.list = list;
    }

    /**
     * Reads attributes.
     *
     * @param bytes nothing but attributes
     * @throws NetlinkException if one is cut off
     */
    public static Attributes parse(Octets bytes) {
        ByteBuffer buffer = bytes.buffer();
        List<Attribute> list = new ArrayList<>(8);
        int start = 0;
        while (bytes.length() - start >= AttributeWriter.HEADER_LENGTH) {
            int length = Short.toUnsignedInt(buffer.getShort(start));
            int type = buffer.getShort(start + Short.BYTES) & TYPE_MASK;
            if (length < AttributeWriter.HEADER_LENGTH || start + length > bytes.length()) {
                throw new NetlinkException("attribute " + type + " with a length of " + length + " is cut off");
            }
            list.add(new Attribute(
                    type, bytes.slice(start + AttributeWriter.HEADER_LENGTH, length - AttributeWriter.HEADER_LENGTH)));
            start += length + 3 & ~3;
        }
        return new Attributes(list);
    }

    /** All of them, in the order of the message. */
    public List<Attribute> all() {
        return List.copyOf(list);
    }

    /** The value of the attribute of a type; of several the last one, as the kernel reads them. */
    public Optional<Octets> bytes(int type) {
        for (int i = list.size() - 1; i >= 0; i--) {
            if (list.get(i).type() == type) {
                return Optional.of(list.get(i).value());
            }
        }
        return Optional.empty();
    }

    /** The attributes in the attribute of a type; none if it is not there. */
    public Attributes nested(int type) {
        return parse(bytes(type).orElse(Octets.NONE));
    }

    /** A number of four bytes in network byte order. */
    public OptionalInt be32(int type) {
        Optional<Octets> value = bytes(type);
        return value.isEmpty()
                ? OptionalInt.empty()
                : OptionalInt.of(fixed(type, value.get(), Integer.BYTES)
                        .order(ByteOrder.BIG_ENDIAN)
                        .getInt());
    }

    /** A number of eight bytes in network byte order. */
    public OptionalLong be64(int type) {
        Optional<Octets> value = bytes(type);
        return value.isEmpty()
                ? OptionalLong.empty()
                : OptionalLong.of(fixed(type, value.get(), Long.BYTES)
                        .order(ByteOrder.BIG_ENDIAN)
                        .getLong());
    }

    /** A number of four bytes in the byte order of the machine. */
    public OptionalInt u32(int type) {
        Optional<Octets> value = bytes(type);
        return value.isEmpty()
                ? OptionalInt.empty()
                : OptionalInt.of(fixed(type, value.get(), Integer.BYTES).getInt());
    }

    /** A text that ends with a NUL, each byte as one character (ISO 8859-1); empty if it is not there. */
    public String string(int type) {
        return bytes(type).map(Octets::text).orElse("");
    }

    /** Returns whether there is an attribute of a type. */
    public boolean has(int type) {
        return bytes(type).isPresent();
    }

    /** Returns whether there are no others than these. */
    boolean hasOnly(int... types) {
        for (Attribute attribute : list) {
            boolean known = false;
            for (int type : types) {
                known |= type == attribute.type();
            }
            if (!known) {
                return false;
            }
        }
        return true;
    }

    /** Returns whether all of these are there. */
    boolean hasAll(int... types) {
        for (int type : types) {
            if (!has(type)) {
                return false;
            }
        }
        return true;
    }

    private static ByteBuffer fixed(int type, Octets value, int length) {
        if (value.length() != length) {
            throw new NetlinkException(
                    "attribute " + type + " is a number of " + length + " bytes and has " + value.length());
        }
        return value.buffer();
    }
}
