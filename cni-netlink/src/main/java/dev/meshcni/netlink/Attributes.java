package dev.meshcni.netlink;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/** The attributes of a netlink message or of another attribute, as they were read ({@code struct nlattr}, {@code netlink(7)}). */
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
     * @param bytes nothing but attributes, from its position to its limit
     * @throws NetlinkException if one is cut off
     */
    public static Attributes parse(ByteBuffer bytes) {
        ByteBuffer rest = bytes.slice().order(ByteOrder.nativeOrder());
        List<Attribute> list = new ArrayList<>();
        while (rest.remaining() >= AttributeWriter.HEADER_LENGTH) {
            int start = rest.position();
            int length = Short.toUnsignedInt(rest.getShort());
            int type = rest.getShort() & TYPE_MASK;
            if (length < AttributeWriter.HEADER_LENGTH || start + length > rest.limit()) {
                throw new NetlinkException("attribute " + type + " with a length of " + length + " is cut off");
            }
            byte[] value = new byte[length - AttributeWriter.HEADER_LENGTH];
            rest.get(value);
            list.add(new Attribute(type, Octets.of(value)));
            rest.position(Math.min(rest.limit(), start + (length + 3 & ~3)));
        }
        return new Attributes(List.copyOf(list));
    }

    /** Reads the attributes in the value of an attribute. */
    public static Attributes parse(Octets bytes) {
        return parse(bytes.buffer());
    }

    /** All of them, in the order of the message. */
    public List<Attribute> all() {
        return list;
    }

    /** The value of the attribute of a type; of several the last one, as the kernel reads them. */
    public Optional<Octets> bytes(int type) {
        return list.stream()
                .filter(attribute -> attribute.type() == type)
                .map(Attribute::value)
                .reduce((_, last) -> last);
    }

    /** The attributes in the attribute of a type; none if it is not there. */
    public Attributes nested(int type) {
        return bytes(type).map(Attributes::parse).orElseGet(() -> new Attributes(List.of()));
    }

    /** A number of four bytes in network byte order. */
    public OptionalInt be32(int type) {
        return bytes(type)
                .map(value -> OptionalInt.of(fixed(type, value, Integer.BYTES)
                        .order(ByteOrder.BIG_ENDIAN)
                        .getInt()))
                .orElseGet(OptionalInt::empty);
    }

    /** A number of eight bytes in network byte order. */
    public OptionalLong be64(int type) {
        return bytes(type)
                .map(value -> OptionalLong.of(fixed(type, value, Long.BYTES)
                        .order(ByteOrder.BIG_ENDIAN)
                        .getLong()))
                .orElseGet(OptionalLong::empty);
    }

    /** A number of four bytes in the byte order of the machine. */
    public OptionalInt u32(int type) {
        return bytes(type)
                .map(value -> OptionalInt.of(fixed(type, value, Integer.BYTES).getInt()))
                .orElseGet(OptionalInt::empty);
    }

    /** A text that ends with a NUL, each byte as one character (ISO 8859-1); empty if it is not there. */
    public String string(int type) {
        String text = bytes(type)
                .map(value -> StandardCharsets.ISO_8859_1.decode(value.buffer()).toString())
                .orElse("");
        int end = text.indexOf('\0');
        return end < 0 ? text : text.substring(0, end);
    }

    /** Whether there is an attribute of a type. */
    public boolean has(int type) {
        return list.stream().anyMatch(attribute -> attribute.type() == type);
    }

    /** Whether there are no others than these. */
    boolean hasOnly(Set<Integer> types) {
        return list.stream().allMatch(attribute -> types.contains(attribute.type()));
    }

    private static ByteBuffer fixed(int type, Octets value, int length) {
        if (value.length() != length) {
            throw new NetlinkException(
                    "attribute " + type + " is a number of " + length + " bytes and has " + value.length());
        }
        return value.buffer();
    }
}
