// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import dev.meshcni.netlink.Attributes.Attribute;
import java.util.List;
import java.util.Objects;

/**
 * A stateful object, such as a named counter ({@code NFTA_OBJ_NAME}), or a flow table ({@code NFTA_FLOWTABLE_NAME}):
 * what a table can hold besides chains and sets. None is ever made here, but one that was there may have to be put
 * back.
 *
 * @param more all attributes but the names of the table and the object, its handle and the number of its users
 */
public record KernelObject(NfProto family, Kind kind, String table, String name, List<Attribute> more) {
    private static final int NFTA_TABLE = 1;
    private static final int NFTA_NAME = 2;

    /** The kind of object. */
    public enum Kind {
        /** {@code NFTA_OBJ_USE}, {@code NFTA_OBJ_HANDLE}. */
        OBJECT(5, 6),
        /** {@code NFTA_FLOWTABLE_USE}, {@code NFTA_FLOWTABLE_HANDLE}. */
        FLOWTABLE(4, 5);

        private final int use;
        private final int handle;

        Kind(int use, int handle) {
            this.use = use;
            this.handle = handle;
        }

        private boolean isMore(int attribute) {
            return attribute != NFTA_TABLE && attribute != NFTA_NAME && attribute != use && attribute != handle;
        }
    }

    public KernelObject {
        Objects.requireNonNull(family, "family is null");
        Objects.requireNonNull(kind, "kind is null");
        Objects.requireNonNull(table, "table is null");
        Objects.requireNonNull(name, "name is null");
        more = List.copyOf(more);
    }

    static KernelObject read(NfProto family, Kind kind, Attributes attributes) {
        return new KernelObject(
                family,
                kind,
                attributes.string(NFTA_TABLE),
                attributes.string(NFTA_NAME),
                attributes.all().stream()
                        .filter(attribute -> kind.isMore(attribute.type()))
                        .toList());
    }

    void write(AttributeWriter attributes) {
        attributes.string(NFTA_TABLE, table).string(NFTA_NAME, name);
        more.forEach(attribute -> attributes.bytes(attribute.type(), attribute.value()));
    }
}
