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
import dev.meshcni.netlink.KernelSet;
import dev.meshcni.netlink.KernelTable;
import dev.meshcni.netlink.NetlinkMessage;
import dev.meshcni.netlink.NfBatch;
import dev.meshcni.netlink.NfTables;
import dev.meshcni.netlink.Octets;
import dev.meshcni.netlink.SetElement;
import dev.meshcni.nftables.TableSnapshot;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.IpFamily;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
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
    static final String SET = "pods";
    static final String CHAIN = "postrouting";

    /** {@code NF_INET_POST_ROUTING}, right before {@code NF_IP_PRI_NAT_SRC}. */
    private static final KernelChain.Base ENTRY = new KernelChain.Base("nat", 4, 99, true);

    private static final int REGISTER = 1;
    private static final int IPPROTO_TCP = 6;
    private static final int NO_USER = -1;

    /** With the longest comments they stay below the length that an attribute can have. */
    private static final int ELEMENTS_PER_MESSAGE = 200;

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

    /** The entries of a table that was found. */
    static Map<InetAddress, String> entries(IpFamily family, TableSnapshot found) {
        Map<InetAddress, String> entries = Families.entries();
        found.sets().forEach((set, elements) -> {
            if (isOurs(family, set)) {
                elements.forEach(element -> entries.put(Families.address(element.key()), uid(element)));
            }
        });
        return entries;
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
        if (table.sets().keySet().stream().noneMatch(set -> isOurs(family, set))) {
            objections.add("the set " + SET + " of the table " + name(family) + " is missing, or of another type");
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
        // Any number will do that is another one for the other family.
        KernelSet set = set(Families.length(family));
        // Added so that there is one to delete.
        batch.add(() -> "adding the table " + name(family), NfTables.add(table));
        batch.add(() -> "deleting the table " + name(family), NfTables.delete(table));
        batch.add(() -> "adding the table " + name(family), NfTables.add(table));
        batch.add(() -> "adding the set " + SET + " of the table " + name(family), NfTables.add(set));
        add(batch, set, elements(entries));
        batch.add(
                () -> "adding the chain " + CHAIN + " of the table " + name(family),
                NfTables.add(KernelChain.base(table, CHAIN, ENTRY)));
        batch.add(
                () -> "adding the rule of the table " + name(family),
                NfTables.append(KernelRule.of(table, CHAIN, rule(set.id()))));
    }

    /** Adds to a batch what changes the entries: the kernel keeps the comment of an entry that is added again. */
    void change(NfBatch batch, Map<InetAddress, String> found, Map<InetAddress, String> wanted) {
        Map<InetAddress, String> gone = Families.entries();
        found.forEach((address, uid) -> {
            if (!uid.equals(wanted.get(address))) {
                gone.put(address, uid);
            }
        });
        Map<InetAddress, String> missing = Families.entries();
        wanted.forEach((address, uid) -> {
            if (!uid.equals(found.get(address))) {
                missing.put(address, uid);
            }
        });
        KernelSet set = set(0);
        List<SetElement> keys = gone.keySet().stream()
                .map(address -> SetElement.of(Octets.of(address.getAddress())))
                .toList();
        for (List<SetElement> part : parts(keys)) {
            for (NetlinkMessage message : NfTables.delete(set, part)) {
                batch.add(() -> "deleting entries of the table " + name(family), message);
            }
        }
        add(batch, set, elements(missing));
    }

    private void add(NfBatch batch, KernelSet set, List<SetElement> elements) {
        for (List<SetElement> part : parts(elements)) {
            for (NetlinkMessage message : NfTables.add(set, part)) {
                batch.add(() -> "adding entries to the table " + name(family), message);
            }
        }
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
                new Lookup(REGISTER, SET, setId, false),
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

    private KernelSet set(int id) {
        return new KernelSet(
                Families.proto(family), NAME, SET, id, 0, keyType(family), Families.length(family), List.of());
    }

    private static boolean isOurs(IpFamily family, KernelSet set) {
        return set.name().equals(SET)
                && set.flags() == 0
                && set.keyType() == keyType(family)
                && set.keyLength() == Families.length(family);
    }

    /** {@code TYPE_IPADDR}, {@code TYPE_IP6ADDR} of {@code nft}. */
    private static int keyType(IpFamily family) {
        return switch (family) {
            case IPV4 -> 7;
            case IPV6 -> 8;
        };
    }

    private static List<Expression> uncounted(KernelRule rule) {
        return rule.expressions().stream()
                .map(expression -> expression instanceof Counter ? new Counter(0, 0) : expression)
                .toList();
    }

    private static List<SetElement> elements(Map<InetAddress, String> entries) {
        return entries.entrySet().stream()
                .map(entry -> element(Octets.of(entry.getKey().getAddress()), entry.getValue()))
                .toList();
    }

    private static SetElement element(Octets key, String uid) {
        return uid.isEmpty() ? SetElement.of(key) : SetElement.of(key, uid);
    }

    /** What somebody else has put there may have no comment, or a longer one than we write. */
    private static String uid(SetElement element) {
        return element.comment()
                .filter(comment -> comment.getBytes(StandardCharsets.UTF_8).length <= SetElement.LONGEST_COMMENT)
                .orElse("");
    }

    private static List<List<SetElement>> parts(List<SetElement> elements) {
        List<List<SetElement>> parts = new ArrayList<>();
        for (int from = 0; from < elements.size(); from += ELEMENTS_PER_MESSAGE) {
            parts.add(elements.subList(from, Math.min(elements.size(), from + ELEMENTS_PER_MESSAGE)));
        }
        return parts;
    }
}
