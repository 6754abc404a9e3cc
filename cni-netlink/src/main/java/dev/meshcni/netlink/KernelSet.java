// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import dev.meshcni.netlink.Attributes.Attribute;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * A set or a map of nf_tables ({@code NFTA_SET_TABLE}, {@code NFTA_SET_NAME}, {@code NFTA_SET_FLAGS},
 * {@code NFTA_SET_KEY_TYPE}, {@code NFTA_SET_KEY_LEN}).
 *
 * @param name the name; for one that is made without a name of its own {@link #ANONYMOUS_NAME}, in which the kernel
 *     puts a number
 * @param id by which number the rest of the batch that makes it knows it ({@code NFTA_SET_ID}); 0 for one that is there
 * @param keyType a number by which {@code nft} knows how to print elements; the kernel does not look at it
 * @param keyLength the length of a key in bytes
 * @param more other attributes, such as what {@code nft} keeps with the set for itself ({@code NFTA_SET_USERDATA})
 */
public record KernelSet(
        NfProto family,
        String table,
        String name,
        int id,
        int flags,
        int keyType,
        int keyLength,
        List<Attribute> more) {
    /** The name of a set that belongs to one rule and goes with it. */
    public static final String ANONYMOUS_NAME = "__set%d";

    /** {@code NFT_SET_ANONYMOUS}. */
    public static final int ANONYMOUS = 1;

    /** {@code NFT_SET_CONSTANT}: its elements do not change. */
    public static final int CONSTANT = 2;

    /** {@code NFT_SET_INTERVAL}: elements are the first values of intervals, or the first ones behind. */
    public static final int INTERVAL = 4;

    /** {@code NFT_SET_MAP}: elements have a value. */
    public static final int MAP = 8;

    /** {@code NFTA_SET_USERDATA}. */
    public static final int USERDATA = 13;

    private static final int NFTA_SET_DESC = 9;
    private static final int NFTA_SET_DESC_SIZE = 1;
    private static final int NFTA_SET_TABLE = 1;
    private static final int NFTA_SET_NAME = 2;
    private static final int NFTA_SET_FLAGS = 3;
    private static final int NFTA_SET_KEY_TYPE = 4;
    private static final int NFTA_SET_KEY_LEN = 5;
    private static final int NFTA_SET_ID = 10;
    private static final int NFTA_SET_HANDLE = 16;

    /** {@code NFTA_SET_TYPE}, {@code NFTA_SET_COUNT}: newer kernels tell how and how many elements they keep. */
    private static final Set<Integer> KNOWN = Set.of(
            NFTA_SET_TABLE,
            NFTA_SET_NAME,
            NFTA_SET_FLAGS,
            NFTA_SET_KEY_TYPE,
            NFTA_SET_KEY_LEN,
            NFTA_SET_ID,
            NFTA_SET_HANDLE,
            19,
            20);

    public KernelSet {
        Objects.requireNonNull(family, "family is null");
        Objects.requireNonNull(table, "table is null");
        Objects.requireNonNull(name, "name is null");
        more = List.copyOf(more);
    }

    /** The number of elements that a set is made for ({@code NFTA_SET_DESC_SIZE}), as one of its other attributes. */
    public static Attribute size(int elements) {
        return new Attribute(
                NFTA_SET_DESC, Octets.of(AttributeWriter.write(desc -> desc.be32(NFTA_SET_DESC_SIZE, elements))));
    }

    /** Returns whether it belongs to a rule. */
    public boolean anonymous() {
        return (flags & ANONYMOUS) != 0;
    }

    static KernelSet read(NfProto family, Attributes attributes) {
        return new KernelSet(
                family,
                attributes.string(NFTA_SET_TABLE),
                attributes.string(NFTA_SET_NAME),
                attributes.be32(NFTA_SET_ID).orElse(0),
                attributes.be32(NFTA_SET_FLAGS).orElse(0),
                attributes.be32(NFTA_SET_KEY_TYPE).orElse(0),
                attributes.be32(NFTA_SET_KEY_LEN).orElse(0),
                attributes.all().stream()
                        .filter(attribute -> !KNOWN.contains(attribute.type()))
                        .toList());
    }

    void write(AttributeWriter attributes) {
        attributes
                .string(NFTA_SET_TABLE, table)
                .string(NFTA_SET_NAME, name)
                .be32(NFTA_SET_FLAGS, flags)
                .be32(NFTA_SET_KEY_TYPE, keyType)
                .be32(NFTA_SET_KEY_LEN, keyLength)
                .be32(NFTA_SET_ID, id);
        more.forEach(attribute -> attributes.bytes(attribute.type(), attribute.value()));
    }
}
