// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import dev.meshcni.netlink.Attributes.Attribute;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * A chain of nf_tables ({@code NFTA_CHAIN_TABLE}, {@code NFTA_CHAIN_NAME}).
 *
 * @param base where packets enter it; empty for a chain that others jump to
 * @param more other attributes of it, such as flags or counters of the chain
 */
public record KernelChain(NfProto family, String table, String name, Optional<Base> base, List<Attribute> more) {
    private static final int NFTA_CHAIN_TABLE = 1;
    private static final int NFTA_CHAIN_HANDLE = 2;
    private static final int NFTA_CHAIN_NAME = 3;
    private static final int NFTA_CHAIN_HOOK = 4;
    private static final int NFTA_CHAIN_POLICY = 5;
    private static final int NFTA_CHAIN_USE = 6;
    private static final int NFTA_CHAIN_TYPE = 7;
    private static final int NFTA_CHAIN_FLAGS = 10;
    private static final int NFTA_HOOK_HOOKNUM = 1;
    private static final int NFTA_HOOK_PRIORITY = 2;

    /** {@code NFT_CHAIN_BASE}, which the kernel tells and nobody has to. */
    private static final Attribute BASE_FLAG = new Attribute(NFTA_CHAIN_FLAGS, Octets.of(new byte[] {0, 0, 0, 1}));

    private static final int NF_ACCEPT = 1;

    private static final Set<Integer> KNOWN = Set.of(
            NFTA_CHAIN_TABLE,
            NFTA_CHAIN_HANDLE,
            NFTA_CHAIN_NAME,
            NFTA_CHAIN_HOOK,
            NFTA_CHAIN_POLICY,
            NFTA_CHAIN_USE,
            NFTA_CHAIN_TYPE);

    /**
     * Where packets enter a chain.
     *
     * @param type {@code filter}, {@code nat} or {@code route} ({@code NFTA_CHAIN_TYPE})
     * @param hook the number of the hook ({@code NFTA_HOOK_HOOKNUM}, {@code enum nf_inet_hooks})
     * @param priority its place among the chains of a hook, the lowest first ({@code NFTA_HOOK_PRIORITY})
     * @param accepts whether a packet that no rule decides about passes ({@code NFTA_CHAIN_POLICY})
     */
    public record Base(String type, int hook, int priority, boolean accepts) {
        public Base {
            Objects.requireNonNull(type, "type is null");
        }
    }

    public KernelChain {
        Objects.requireNonNull(family, "family is null");
        Objects.requireNonNull(table, "table is null");
        Objects.requireNonNull(name, "name is null");
        Objects.requireNonNull(base, "base is null");
        more = List.copyOf(more);
    }

    /** A chain that packets enter. */
    public static KernelChain base(KernelTable table, String name, Base base) {
        return new KernelChain(table.family(), table.name(), name, Optional.of(base), List.of());
    }

    /** A chain that others jump to. */
    public static KernelChain regular(KernelTable table, String name) {
        return new KernelChain(table.family(), table.name(), name, Optional.empty(), List.of());
    }

    static KernelChain read(NfProto family, Attributes attributes) {
        Attributes hook = attributes.nested(NFTA_CHAIN_HOOK);
        List<Attribute> more = attributes.all().stream()
                .filter(attribute -> !KNOWN.contains(attribute.type()))
                .filter(attribute -> !attribute.equals(BASE_FLAG))
                .toList();
        Optional<Base> base = attributes.has(NFTA_CHAIN_HOOK)
                ? Optional.of(new Base(
                        attributes.string(NFTA_CHAIN_TYPE),
                        hook.be32(NFTA_HOOK_HOOKNUM).orElse(0),
                        hook.be32(NFTA_HOOK_PRIORITY).orElse(0),
                        attributes.be32(NFTA_CHAIN_POLICY).orElse(NF_ACCEPT) == NF_ACCEPT))
                : Optional.empty();
        return new KernelChain(
                family, attributes.string(NFTA_CHAIN_TABLE), attributes.string(NFTA_CHAIN_NAME), base, more);
    }

    void write(AttributeWriter attributes) {
        attributes.string(NFTA_CHAIN_TABLE, table).string(NFTA_CHAIN_NAME, name);
        base.ifPresent(entry -> attributes
                .nested(
                        NFTA_CHAIN_HOOK,
                        hook -> hook.be32(NFTA_HOOK_HOOKNUM, entry.hook()).be32(NFTA_HOOK_PRIORITY, entry.priority()))
                .be32(NFTA_CHAIN_POLICY, entry.accepts() ? NF_ACCEPT : 0)
                .string(NFTA_CHAIN_TYPE, entry.type()));
        more.forEach(attribute -> attributes.bytes(attribute.type(), attribute.value()));
    }
}
