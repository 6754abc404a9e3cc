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
import dev.meshcni.netlink.Uncounted;
import dev.meshcni.nftables.TableSnapshot;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.function.Predicate;

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

    /** The messages of a listing, kept so that other listings can be compared with them. */
    static final class Known {
        private final Messages messages;
        private final List<Uncounted> chains;
        private final List<Uncounted> objects;
        private final List<List<Uncounted>> rules;
        private final Map<KernelSet, List<Uncounted>> sets = new LinkedHashMap<>();

        private Known(Messages messages) {
            this.messages = messages;
            this.chains = uncounted(messages.chains());
            this.objects = uncounted(messages.objects());
            this.rules = messages.rules().stream().map(Known::uncounted).toList();
            messages.sets().forEach((set, elements) -> sets.put(set, uncounted(elements)));
        }

        private static List<Uncounted> uncounted(List<NetlinkReply> replies) {
            return replies.stream().map(Uncounted::of).toList();
        }
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

    /** Returns whether a table exists, of those that were asked for. */
    boolean has(Predicate<KernelTable> which) {
        return messages.tables().stream().anyMatch(which);
    }

    /** The same to be found again. */
    Known known() {
        return new Known(messages);
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

    private static int bytes(List<NetlinkReply> replies) {
        return replies.stream().mapToInt(reply -> reply.body().length()).sum();
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

    /**
     * Returns whether it was answered by the same messages as one before, byte for byte but for what rules have
     * counted: then all that was found out about that one is true of this one. Tables of namespaces that were new are
     * so, as the kernel numbers what is in a namespace from the beginning.
     */
    boolean isSame(Known before) {
        Messages then = before.messages;
        if (!messages.tables().equals(then.tables())
                || messages.rules().size() != then.rules().size()
                || !messages.sets().keySet().equals(then.sets().keySet())
                || !same(before.chains, messages.chains())
                || !same(before.objects, messages.objects())) {
            return false;
        }
        for (int i = 0; i < messages.rules().size(); i++) {
            if (!same(before.rules.get(i), messages.rules().get(i))) {
                return false;
            }
        }
        for (Map.Entry<KernelSet, List<NetlinkReply>> set : messages.sets().entrySet()) {
            if (!same(before.sets.get(set.getKey()), set.getValue())) {
                return false;
            }
        }
        return true;
    }

    private static boolean same(List<Uncounted> some, List<NetlinkReply> others) {
        if (some.size() != others.size()) {
            return false;
        }
        for (int i = 0; i < some.size(); i++) {
            if (!some.get(i).isSame(others.get(i))) {
                return false;
            }
        }
        return true;
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
