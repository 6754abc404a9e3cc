// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.netlink.KernelChain;
import dev.meshcni.netlink.KernelObject;
import dev.meshcni.netlink.KernelRule;
import dev.meshcni.netlink.KernelSet;
import dev.meshcni.netlink.KernelTable;
import dev.meshcni.netlink.NetlinkReply;
import dev.meshcni.netlink.NfProto;
import dev.meshcni.netlink.NfTables;
import dev.meshcni.netlink.SetElement;
import dev.meshcni.nftables.TableSnapshot;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;

/**
 * What is in nf_tables at one moment: as the kernel's messages say it, which are read only when somebody asks what is
 * in them.
 */
final class Listing {
    /**
     * The messages.
     *
     * @param tables the tables that were asked for
     * @param rules of each of these tables
     * @param chains of all tables of all families, as are sets and objects
     * @param sets all sets, with those of the tables that were asked for read in full
     * @param objects objects and flow tables
     */
    record Messages(
            List<KernelTable> tables,
            List<List<NetlinkReply>> rules,
            List<NetlinkReply> chains,
            Map<KernelSet, List<NetlinkReply>> sets,
            List<NetlinkReply> objects) {
        /** No tables. */
        static final Messages NONE = new Messages(List.of(), List.of(), List.of(), Map.of(), List.of());
    }

    /** Of a namespace, or a kernel, without nf_tables. */
    static final Listing NONE = new Listing(OptionalInt.empty(), Messages.NONE);

    private final OptionalInt generation;
    private final Messages messages;
    private Optional<List<TableSnapshot>> tables = Optional.empty();

    /**
     * The messages of one moment.
     *
     * @param generation the number of the state of nf_tables; empty where the kernel has none
     */
    Listing(OptionalInt generation, Messages messages) {
        this.generation = generation;
        this.messages = messages;
    }

    /** The number of the state of nf_tables; empty where the kernel has no nf_tables. */
    OptionalInt generation() {
        return generation;
    }

    /** Returns whether none of the requested tables exists. */
    boolean isEmpty() {
        return messages.tables().isEmpty();
    }

    /** How long the messages are together. */
    int bytes() {
        int bytes = bytes(messages.chains()) + bytes(messages.objects());
        for (List<NetlinkReply> rules : messages.rules()) {
            bytes += bytes(rules);
        }
        for (List<NetlinkReply> elements : messages.sets().values()) {
            bytes += bytes(elements);
        }
        return bytes;
    }

    /** The same without what was read of it. */
    Listing compact() {
        return new Listing(generation, messages);
    }

    /** The tables that were asked for, with all that is in them. */
    List<TableSnapshot> tables() {
        if (tables.isEmpty()) {
            tables = Optional.of(read());
        }
        return tables.get();
    }

    /** The chains of all tables, also of those that were not asked for; empty where none of these exists. */
    List<KernelChain> chains() {
        return read(messages.chains(), NfTables::chain);
    }

    /**
     * Whether another listing was answered by the same messages, byte for byte, so that all that was found out about it
     * is true of this one. Tables of namespaces that were new are so, when nothing was counted yet: the kernel numbers
     * what is in a namespace from the beginning.
     */
    boolean isSame(Listing other) {
        if (!messages.tables().equals(other.messages.tables())
                || messages.rules().size() != other.messages.rules().size()
                || !messages.sets().keySet().equals(other.messages.sets().keySet())
                || !same(messages.chains(), other.messages.chains())
                || !same(messages.objects(), other.messages.objects())) {
            return false;
        }
        for (int i = 0; i < messages.rules().size(); i++) {
            if (!same(messages.rules().get(i), other.messages.rules().get(i))) {
                return false;
            }
        }
        for (Map.Entry<KernelSet, List<NetlinkReply>> set : messages.sets().entrySet()) {
            if (!same(set.getValue(), other.messages.sets().get(set.getKey()))) {
                return false;
            }
        }
        return true;
    }

    private static int bytes(List<NetlinkReply> replies) {
        return replies.stream().mapToInt(reply -> reply.body().length()).sum();
    }

    private static boolean same(List<NetlinkReply> some, List<NetlinkReply> others) {
        if (some.size() != others.size()) {
            return false;
        }
        for (int i = 0; i < some.size(); i++) {
            if (!NfTables.isSame(some.get(i), others.get(i))) {
                return false;
            }
        }
        return true;
    }

    private List<TableSnapshot> read() {
        List<KernelChain> chains = chains();
        List<KernelObject> objects = read(messages.objects(), NfTables::object);
        List<TableSnapshot> read = new ArrayList<>();
        for (int i = 0; i < messages.tables().size(); i++) {
            KernelTable table = messages.tables().get(i);
            List<KernelRule> rules = new ArrayList<>(read(messages.rules().get(i), NfTables::rule));
            // Old kernels list the rules of all tables.
            rules.removeIf(rule -> !rule.table().equals(table.name()));
            read.add(new TableSnapshot(
                    table,
                    chains.stream()
                            .filter(chain -> isOf(table, chain.family(), chain.table()))
                            .toList(),
                    rules,
                    sets(table),
                    objects.stream()
                            .filter(object -> isOf(table, object.family(), object.table()))
                            .toList()));
        }
        return List.copyOf(read);
    }

    private Map<KernelSet, List<SetElement>> sets(KernelTable table) {
        Map<KernelSet, List<SetElement>> sets = new LinkedHashMap<>();
        messages.sets().forEach((set, replies) -> {
            if (isOf(table, set.family(), set.table())) {
                List<SetElement> elements = new ArrayList<>();
                replies.forEach(reply -> elements.addAll(NfTables.elements(reply)));
                sets.put(set, elements);
            }
        });
        return sets;
    }

    static boolean isOf(KernelTable table, NfProto family, String name) {
        return table.family() == family && table.name().equals(name);
    }

    static <T> List<T> read(List<NetlinkReply> replies, Function<NetlinkReply, Optional<T>> object) {
        List<T> read = new ArrayList<>(replies.size());
        for (NetlinkReply reply : replies) {
            object.apply(reply).ifPresent(read::add);
        }
        return read;
    }
}
