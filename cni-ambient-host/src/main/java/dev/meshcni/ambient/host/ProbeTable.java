// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient.host;

import static java.util.Objects.requireNonNull;

import dev.meshcni.netlink.Expression;
import dev.meshcni.netlink.Expression.Cmp;
import dev.meshcni.netlink.Expression.CmpOp;
import dev.meshcni.netlink.Expression.Counter;
import dev.meshcni.netlink.Expression.Immediate;
import dev.meshcni.netlink.Expression.Lookup;
import dev.meshcni.netlink.Expression.MetaKey;
import dev.meshcni.netlink.Expression.MetaLoad;
import dev.meshcni.netlink.Expression.PayloadBase;
import dev.meshcni.netlink.Expression.PayloadLoad;
import dev.meshcni.netlink.Expression.Snat;
import dev.meshcni.netlink.KernelChain;
import dev.meshcni.netlink.KernelRule;
import dev.meshcni.netlink.KernelTable;
import dev.meshcni.netlink.NfBatch;
import dev.meshcni.netlink.NfTables;
import dev.meshcni.netlink.Octets;
import dev.meshcni.nftables.TableSnapshot;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.IpFamily;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Our table of one family, as {@code nft} prints it:
 *
 * <pre>{@code
 * table ip istio-host-probes {
 *     set pods {
 *         type ipv4_addr
 *         elements = { 10.244.0.5 comment "0d0ce5f1-…" }
 *     }
 *     chain postrouting {
 *         type nat hook postrouting priority srcnat - 1; policy accept;
 *         meta l4proto tcp meta skuid != 4294967295 ip daddr @pods counter snat to 169.254.7.127
 *     }
 * }
 * }</pre>
 *
 * <p>A packet has a {@code skuid} only if it comes from a socket of a process in this network namespace: for one that
 * the host forwards, and for one of the kernel's own, the expression ends the rule. The number is the one that stands
 * for no user, so each user's packets match.
 *
 * <p>The chain is entered before those of others that change source addresses, whenever they were made: what the first
 * of them does to a connection is final.
 *
 * @param source the source address that probes get
 */
record ProbeTable(IpFamily family, Cidr source) {
    static final String NAME = "istio-host-probes";
    static final String CHAIN = "postrouting";

    /** {@code NF_INET_POST_ROUTING}, right before {@code NF_IP_PRI_NAT_SRC}. */
    private static final KernelChain.Base ENTRY = new KernelChain.Base("nat", 4, 99, true);

    private static final int REGISTER = 1;
    private static final int IPPROTO_TCP = 6;
    private static final int NO_USER = -1;

    ProbeTable {
        requireNonNull(family, "family is null");
        if (source.family() != family || source.prefixLength() != family.addressBits()) {
            throw new IllegalArgumentException(source + " is not one address of " + family.label());
        }
    }

    static KernelTable of(IpFamily family) {
        return new KernelTable(Families.proto(family), NAME);
    }

    /** As {@code nft} names the table of a family. */
    static String name(IpFamily family) {
        return switch (family) {
            case IPV4 -> "ip " + NAME;
            case IPV6 -> "ip6 " + NAME;
        };
    }

    /** What differs from what should be there, beside the entries. */
    List<String> objections(Optional<TableSnapshot> found) {
        if (found.isEmpty()) {
            return List.of("the table " + name(family) + " is missing");
        }
        TableSnapshot table = found.get();
        List<String> objections = new ArrayList<>();
        if (table.table().flags() != 0) {
            objections.add(
                    "the table " + name(family) + " has flags: " + table.table().flags());
        }
        if (table.sets().keySet().stream().noneMatch(new PodSet(family)::is)) {
            objections.add(
                    "the set " + PodSet.NAME + " of the table " + name(family) + " is missing, or of another type");
        }
        Optional<KernelChain> chain = table.chains().stream().findFirst();
        if (chain.isEmpty()) {
            objections.add("the chain " + CHAIN + " of the table " + name(family) + " is missing");
        } else if (!chain.get().base().equals(Optional.of(ENTRY))) {
            objections.add("the chain " + CHAIN + " of the table " + name(family) + " is not at hook postrouting,"
                    + " priority " + ENTRY.priority());
        }
        objections.addAll(rules(table));
        return objections;
    }

    /** Adds to a batch what makes the table anew with these entries, whatever is there. */
    void replace(NfBatch batch, Map<InetAddress, String> entries) {
        KernelTable table = of(family);
        PodSet pods = new PodSet(family);
        // Any number will do that is another one for the other family.
        int setId = Families.length(family);
        // Added so that there is one to delete.
        batch.add(() -> "adding the table " + name(family), NfTables.add(table));
        batch.add(() -> "deleting the table " + name(family), NfTables.delete(table));
        batch.add(() -> "adding the table " + name(family), NfTables.add(table));
        batch.add(
                () -> "adding the set " + PodSet.NAME + " of the table " + name(family), NfTables.add(pods.set(setId)));
        pods.add(batch, setId, entries);
        batch.add(
                () -> "adding the chain " + CHAIN + " of the table " + name(family),
                NfTables.add(KernelChain.base(table, CHAIN, ENTRY)));
        batch.add(
                () -> "adding the rule of the table " + name(family),
                NfTables.append(KernelRule.of(table, CHAIN, rule(setId))));
    }

    private List<String> rules(TableSnapshot table) {
        List<Expression> wanted = rule(0);
        List<String> objections = new ArrayList<>();
        boolean there = false;
        for (KernelRule rule : table.rules()) {
            if (!there && rule.chain().equals(CHAIN) && uncounted(rule).equals(wanted)) {
                there = true;
            } else {
                objections.add("the table " + name(family) + " has a rule of somebody else in chain " + rule.chain());
            }
        }
        if (!there) {
            objections.addFirst("the rule of " + Families.label(family) + " is missing");
        }
        return objections;
    }

    private List<Expression> rule(int setId) {
        return List.of(
                new MetaLoad(MetaKey.L4PROTO, REGISTER),
                new Cmp(CmpOp.EQ, REGISTER, Octets.u8(IPPROTO_TCP)),
                new MetaLoad(MetaKey.SKUID, REGISTER),
                new Cmp(CmpOp.NEQ, REGISTER, Octets.u32(NO_USER)),
                new PayloadLoad(PayloadBase.NETWORK, destinationOffset(), Families.length(family), REGISTER),
                new Lookup(REGISTER, PodSet.NAME, setId, false),
                new Counter(0, 0),
                new Immediate(REGISTER, Octets.of(source.address().getAddress())),
                new Snat(Families.proto(family), REGISTER));
    }

    /** {@code daddr} of {@code struct iphdr} or {@code struct ipv6hdr}. */
    private int destinationOffset() {
        return switch (family) {
            case IPV4 -> 16;
            case IPV6 -> 24;
        };
    }

    private static List<Expression> uncounted(KernelRule rule) {
        return rule.expressions().stream()
                .map(expression -> expression instanceof Counter ? new Counter(0, 0) : expression)
                .toList();
    }
}
