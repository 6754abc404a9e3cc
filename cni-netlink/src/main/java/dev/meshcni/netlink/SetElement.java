// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import dev.meshcni.netlink.Attributes.Attribute;
import java.util.List;
import java.util.Objects;

/**
 * An element of a set ({@code NFTA_SET_ELEM_KEY}, {@code NFTA_SET_ELEM_FLAGS}).
 *
 * @param intervalEnd {@code NFT_SET_ELEM_INTERVAL_END}: the first key that is not in the set any more
 * @param more other attributes, such as the value of an element of a map
 */
public record SetElement(Octets key, boolean intervalEnd, List<Attribute> more) {
    private static final int NFTA_LIST_ELEM = 1;
    private static final int NFTA_SET_ELEM_KEY = 1;
    private static final int NFTA_SET_ELEM_FLAGS = 3;
    private static final int NFTA_DATA_VALUE = 1;
    private static final int NFT_SET_ELEM_INTERVAL_END = 1;

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
