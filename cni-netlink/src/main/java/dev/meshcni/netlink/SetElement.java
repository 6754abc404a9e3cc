// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import dev.meshcni.netlink.Attributes.Attribute;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * An element of a set ({@code NFTA_SET_ELEM_KEY}, {@code NFTA_SET_ELEM_FLAGS}).
 *
 * @param intervalEnd {@code NFT_SET_ELEM_INTERVAL_END}: the first key that is not in the set any more
 * @param more other attributes, such as the value of an element of a map
 */
public record SetElement(Octets key, boolean intervalEnd, List<Attribute> more) {
    /** The longest comment that {@code nft} prints, in bytes ({@code NFTNL_UDATA_COMMENT_MAXLEN}). */
    public static final int LONGEST_COMMENT = 127;

    private static final int NFTA_LIST_ELEM = 1;
    private static final int NFTA_SET_ELEM_KEY = 1;
    private static final int NFTA_SET_ELEM_FLAGS = 3;
    private static final int NFTA_SET_ELEM_USERDATA = 6;
    private static final int NFTA_DATA_VALUE = 1;
    private static final int NFT_SET_ELEM_INTERVAL_END = 1;
    private static final byte COMMENT_TYPE = 0;
    private static final int COMMENT_HEADER_LENGTH = 2;

    public SetElement {
        Objects.requireNonNull(key, "key is null");
        more = List.copyOf(more);
    }

    /** A key that is in the set, or with which an interval begins. */
    public static SetElement of(Octets key) {
        return new SetElement(key, false, List.of());
    }

    /** The first key behind an interval. */
    public static SetElement end(Octets key) {
        return new SetElement(key, true, List.of());
    }

    /**
     * A key that is in the set, with a comment as {@code nft} prints it: in {@code NFTA_SET_ELEM_USERDATA}, of which
     * the kernel knows nothing, a type ({@code NFTNL_UDATA_SET_ELEM_COMMENT}, 0), a length and a text that ends with a
     * NUL.
     */
    public static SetElement of(Octets key, String comment) {
        byte[] text = comment.getBytes(StandardCharsets.UTF_8);
        if (text.length > LONGEST_COMMENT) {
            throw new IllegalArgumentException("a comment of " + text.length + " bytes, at most " + LONGEST_COMMENT);
        }
        byte[] userdata = new byte[COMMENT_HEADER_LENGTH + text.length + 1];
        userdata[0] = COMMENT_TYPE;
        userdata[1] = (byte) (text.length + 1);
        System.arraycopy(text, 0, userdata, COMMENT_HEADER_LENGTH, text.length);
        return new SetElement(key, false, List.of(new Attribute(NFTA_SET_ELEM_USERDATA, Octets.wrap(userdata))));
    }

    /** The comment; empty if it has none. */
    public Optional<String> comment() {
        return more.stream()
                .filter(attribute -> attribute.type() == NFTA_SET_ELEM_USERDATA)
                .findFirst()
                .flatMap(attribute -> comment(attribute.value()));
    }

    private static Optional<String> comment(Octets userdata) {
        byte[] bytes = userdata.bytes();
        int start = 0;
        while (start + COMMENT_HEADER_LENGTH <= bytes.length) {
            int length = Byte.toUnsignedInt(bytes[start + 1]);
            int value = start + COMMENT_HEADER_LENGTH;
            if (value + length > bytes.length) {
                return Optional.empty();
            }
            if (bytes[start] == COMMENT_TYPE && length > 0 && bytes[value + length - 1] == 0) {
                return Optional.of(new String(bytes, value, length - 1, StandardCharsets.UTF_8));
            }
            start = value + length;
        }
        return Optional.empty();
    }

    static SetElement read(Octets element) {
        Attributes attributes = Attributes.parse(element);
        int flags = attributes.be32(NFTA_SET_ELEM_FLAGS).orElse(0);
        boolean end = flags == NFT_SET_ELEM_INTERVAL_END;
        return new SetElement(
                attributes.nested(NFTA_SET_ELEM_KEY).bytes(NFTA_DATA_VALUE).orElse(Octets.NONE),
                end,
                attributes.all().stream()
                        .filter(attribute -> attribute.type() != NFTA_SET_ELEM_KEY)
                        .filter(attribute -> attribute.type() != NFTA_SET_ELEM_FLAGS || !(end || flags == 0))
                        .toList());
    }

    void write(AttributeWriter list) {
        list.nested(NFTA_LIST_ELEM, element -> {
            if (intervalEnd) {
                element.be32(NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
            }
            if (key.length() > 0) {
                element.nested(NFTA_SET_ELEM_KEY, value -> value.bytes(NFTA_DATA_VALUE, key));
            }
            more.forEach(attribute -> element.bytes(attribute.type(), attribute.value()));
        });
    }
}
