// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient.host;

import dev.meshcni.netlink.KernelSet;
import dev.meshcni.netlink.NetlinkMessage;
import dev.meshcni.netlink.NfBatch;
import dev.meshcni.netlink.NfTables;
import dev.meshcni.netlink.Octets;
import dev.meshcni.netlink.SetElement;
import dev.meshcni.nftables.TableSnapshot;
import dev.meshcni.rules.IpFamily;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The set in our table of a family: addresses of enrolled pods, with their UIDs as comments. */
record PodSet(IpFamily family) {
    static final String NAME = "pods";

    /** With the longest comments they stay below the length that an attribute can have. */
    private static final int ELEMENTS_PER_MESSAGE = 200;

    /**
     * As nf_tables knows it.
     *
     * @param id by which number the rest of the batch that makes it knows it; 0 for the one that is there
     */
    KernelSet set(int id) {
        return new KernelSet(
                Families.proto(family), ProbeTable.NAME, NAME, id, 0, keyType(), Families.length(family), List.of());
    }

    /** Returns whether a set that was found is this one. */
    boolean is(KernelSet set) {
        return set.name().equals(NAME)
                && set.flags() == 0
                && set.keyType() == keyType()
                && set.keyLength() == Families.length(family);
    }

    /** The entries of it in a table that was found. */
    Map<InetAddress, String> entries(TableSnapshot found) {
        Map<InetAddress, String> entries = Families.entries();
        found.sets().forEach((set, elements) -> {
            if (is(set)) {
                elements.forEach(element -> entries.put(Families.address(element.key()), uid(element)));
            }
        });
        return entries;
    }

    /** Adds to a batch what puts entries into the set of a number. */
    void add(NfBatch batch, int id, Map<InetAddress, String> entries) {
        List<SetElement> elements = entries.entrySet().stream()
                .map(entry -> element(Octets.of(entry.getKey().getAddress()), entry.getValue()))
                .toList();
        for (List<SetElement> part : parts(elements)) {
            for (NetlinkMessage message : NfTables.add(set(id), part)) {
                batch.add(() -> "adding entries to the table " + ProbeTable.name(family), message);
            }
        }
    }

    /** Adds to a batch what changes the entries: the kernel keeps the comment of an entry that is added again. */
    void change(NfBatch batch, Map<InetAddress, String> found, Map<InetAddress, String> wanted) {
        List<SetElement> gone = without(found, wanted).keySet().stream()
                .map(address -> SetElement.of(Octets.of(address.getAddress())))
                .toList();
        for (List<SetElement> part : parts(gone)) {
            for (NetlinkMessage message : NfTables.delete(set(0), part)) {
                batch.add(() -> "deleting entries of the table " + ProbeTable.name(family), message);
            }
        }
        add(batch, 0, without(wanted, found));
    }

    /** {@code TYPE_IPADDR}, {@code TYPE_IP6ADDR} of {@code nft}. */
    private int keyType() {
        return switch (family) {
            case IPV4 -> 7;
            case IPV6 -> 8;
        };
    }

    /** Those of some entries that others do not have alike. */
    private static Map<InetAddress, String> without(Map<InetAddress, String> some, Map<InetAddress, String> others) {
        Map<InetAddress, String> left = Families.entries();
        some.forEach((address, uid) -> {
            if (!uid.equals(others.get(address))) {
                left.put(address, uid);
            }
        });
        return left;
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
