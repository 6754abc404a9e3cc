// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import java.util.Objects;

/**
 * A table of nf_tables ({@code NFTA_TABLE_NAME}, {@code NFTA_TABLE_FLAGS}).
 *
 * @param flags {@code NFT_TABLE_F_DORMANT} and the like; 0 for a table that is at work and belongs to no process
 */
public record KernelTable(NfProto family, String name, int flags) {
    private static final int NFTA_TABLE_NAME = 1;
    private static final int NFTA_TABLE_FLAGS = 2;

    public KernelTable {
        Objects.requireNonNull(family, "family is null");
        Objects.requireNonNull(name, "name is null");
    }

    /** A table without flags. */
    public KernelTable(NfProto family, String name) {
        this(family, name, 0);
    }

    static KernelTable read(NfProto family, Attributes attributes) {
        return new KernelTable(
                family,
                attributes.string(NFTA_TABLE_NAME),
                attributes.be32(NFTA_TABLE_FLAGS).orElse(0));
    }

    void write(AttributeWriter attributes) {
        attributes.string(NFTA_TABLE_NAME, name);
        if (flags != 0) {
            attributes.be32(NFTA_TABLE_FLAGS, flags);
        }
    }
}
