// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.core.OneLine;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.core.spi.UnreadableRulesException;
import dev.meshcni.libc.KernelFile;
import dev.meshcni.libc.NetlinkSocket;
import dev.meshcni.libc.RefusedException;
import dev.meshcni.netlink.KernelChain;
import dev.meshcni.netlink.KernelSet;
import dev.meshcni.netlink.KernelTable;
import dev.meshcni.netlink.NetlinkMessage;
import dev.meshcni.netlink.NetlinkReply;
import dev.meshcni.netlink.NfBatch;
import dev.meshcni.netlink.NfProto;
import dev.meshcni.netlink.NfTables;
import dev.meshcni.rules.IpFamily;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * The netfilter tables of the network namespace of the thread that makes this, without starting a process: which there
 * are, and taking some of them out. The namespace of a new pod has none, and then there is nothing to read before its
 * rules are written.
 *
 * <p>For one thread.
 */
final class NetfilterTables implements AutoCloseable {
    /**
     * In bytes: what is read of the rules of one table. The longest of a rule of ours takes 600, and a pod may have
     * 4,096 of them.
     */
    private static final int MAX_RULES = 4 << 20;

    /** The number of retries when tables change while they are read. */
    private static final int ATTEMPTS = 10;

    /** The tables of one state, and how many chains, named sets, objects and flow tables are in all of them. */
    private record Tables(List<KernelTable> all, long contents) {
        static Tables of(List<NetlinkReply> replies) {
            List<KernelTable> all = new ArrayList<>();
            long contents = 0;
            for (NetlinkReply reply : replies) {
                NfTables.table(reply).ifPresent(all::add);
                contents += NfTables.use(reply).orElse(Integer.MAX_VALUE);
            }
            return new Tables(all, contents);
        }
    }

    private final Optional<NetlinkSocket> socket;

    /**
     * The number of a state that was made or listed here, and that the kernel shows in full: while it is the number,
     * nothing has changed.
     */
    private OptionalInt settled = OptionalInt.empty();

    /** The tables of that state, once they were listed. */
    private Optional<Tables> settledTables = Optional.empty();

    NetfilterTables() {
        this.socket = opened();
    }

    /**
     * Tables of nf_tables, which {@code nft} and the nf_tables variant of {@code iptables} make; empty also where the
     * kernel has no nf_tables.
     */
    Set<String> ofNft(IpFamily family) {
        try {
            return tables(proto(family)).stream()
                    .map(KernelTable::name)
                    .collect(Collectors.toCollection(LinkedHashSet::new));
        } catch (UnreadableRulesException e) {
            throw e;
        } catch (RedirectException _) {
            // No nf_tables in this kernel: then no tables of this kind either.
            return Set.of();
        }
    }

    /**
     * Reads tables with all that is in them, as they were together at one moment.
     *
     * @param wanted which tables
     * @throws UnreadableRulesException if they are too large, or change all the time
     */
    Listing list(Predicate<KernelTable> wanted) {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            boolean asked = settled.isEmpty();
            OptionalInt number = asked ? generation() : settled;
            if (number.isEmpty()) {
                return Listing.NONE;
            }
            if (asked) {
                // The kernel raises the number before it shows what it has changed.
                open().awaitChanges();
            }
            boolean listed = settledTables.isEmpty();
            Tables tables = listed ? Tables.of(open().dump(NfTables.tables(NfProto.UNSPEC))) : settledTables.get();
            List<KernelTable> found = tables.all().stream().filter(wanted).toList();
            Listing.Messages messages = found.isEmpty() ? Listing.Messages.NONE : messages(found, tables.contents());
            // One list alone is of one moment; and a change that is made for an earlier one is refused.
            boolean alone = asked && listed && found.isEmpty();
            if (alone || number.equals(generation())) {
                settle(number, Optional.of(tables));
                return new Listing(number, messages);
            }
            settle(OptionalInt.empty(), Optional.empty());
        }
        throw new UnreadableRulesException("the pod's tables change all the time");
    }

    /** Finds out which tables there are, so that a listing that follows has to ask only whether that is still so. */
    void lookAhead() {
        list(_ -> false);
    }

    /** The names of all tables that are there now. */
    List<KernelTable> tables() {
        return tables(NfProto.UNSPEC);
    }

    /**
     * Makes all changes of a batch or none.
     *
     * @throws RefusedException if the kernel has refused one of them; it is named
     */
    void transact(NfBatch batch) {
        settle(OptionalInt.empty(), Optional.empty());
        open().transact(batch);
        if (batch.generation().isPresent()) {
            // What the kernel was told to change only in this state it shows in the next one, and 0 is none.
            int next = batch.generation().getAsInt() + 1;
            settle(OptionalInt.of(next == 0 ? 1 : next), Optional.empty());
        }
    }

    private void settle(OptionalInt number, Optional<Tables> tables) {
        settled = number;
        settledTables = tables;
    }

    /** Has all changes of a batch checked, and makes none of them. */
    void check(NfBatch batch) {
        open().check(batch);
    }

    /**
     * Sees to it that what {@code iptables-save} prints means what it says: to the kernel the name of a chain may be
     * any bytes, line ends and whole rules among them, and {@code iptables-save} prints it as it is.
     *
     * @throws UnreadableRulesException if there is a chain whose name {@code iptables} would not take
     */
    void requirePlainNamesOfNft(IpFamily family) {
        for (KernelChain chain : chains(proto(family))) {
            for (int i = 0; i < chain.name().length(); i++) {
                char c = chain.name().charAt(i);
                if (c <= ' ' || c >= 127 || c == '"') {
                    throw new UnreadableRulesException("the pod's " + family.label()
                            + " tables contain a chain with a name that is not valid for iptables: "
                            + OneLine.of(chain.name()));
                }
            }
        }
    }

    /**
     * Tables of the legacy variant. Not below {@code /proc/net}: that is the namespace of the process's first thread.
     */
    Set<String> ofLegacy(IpFamily family) {
        String file = switch (family) {
            case IPV4 -> "ip_tables_names";
            case IPV6 -> "ip6_tables_names";
        };
        return KernelFile.read(Path.of("/proc/thread-self/net", file))
                .filter(names -> !names.isEmpty())
                .map(names -> Set.copyOf(names.lines().toList()))
                .orElse(Set.of());
    }

    /** The user namespace that owns this network namespace. */
    UserNamespace owner() {
        return socket.map(UserNamespace::ofNetworkNamespace).orElseGet(UserNamespace::ofNetworkNamespace);
    }

    /** The number of nf_tables' state, which every change raises; empty where the kernel has no nf_tables. */
    OptionalInt generation() {
        try {
            return socket.isPresent() ? NfTables.generation(open().ask(NfTables.generation())) : OptionalInt.empty();
        } catch (RedirectException _) {
            // No nf_tables in this kernel.
            return OptionalInt.empty();
        }
    }

    /**
     * Takes tables of nf_tables out, with all that is in them: all or none, and only if nothing has changed since a
     * generation.
     *
     * @return whether that was done
     */
    boolean deleteOfNft(IpFamily family, Collection<String> tables, int generation) {
        NfBatch batch = new NfBatch(generation);
        for (String table : tables) {
            batch.add(() -> "deleting the table " + table, NfTables.delete(new KernelTable(proto(family), table)));
        }
        try {
            transact(batch);
            return true;
        } catch (RefusedException _) {
            return false;
        }
    }

    @Override
    public void close() {
        socket.ifPresent(NetlinkSocket::close);
    }

    /**
     * All about some tables. Objects and flow tables are asked for only if there are any.
     *
     * @param contents how many chains, named sets, objects and flow tables all tables have together
     */
    private Listing.Messages messages(List<KernelTable> tables, long contents) {
        List<NetlinkReply> chains = open().dump(NfTables.chains(NfProto.UNSPEC));
        Map<KernelSet, List<NetlinkReply>> sets = new LinkedHashMap<>();
        List<KernelSet> all = read(NfTables.sets(NfProto.UNSPEC), NfTables::set);
        for (KernelSet set : all) {
            if (tables.stream().anyMatch(table -> Listing.isOf(table, set.family(), set.table()))) {
                sets.put(set, open().dump(NfTables.elements(set)));
            }
        }
        List<NetlinkReply> objects = new ArrayList<>();
        long named = all.stream().filter(set -> !set.anonymous()).count();
        if (contents != chains.size() + named) {
            objects.addAll(dumpIfKnown(NfTables.objects(NfProto.UNSPEC)));
            objects.addAll(dumpIfKnown(NfTables.flowTables(NfProto.UNSPEC)));
        }
        List<List<NetlinkReply>> rules = tables.stream()
                .map(table -> open().dump(NfTables.rules(table), MAX_RULES))
                .toList();
        return new Listing.Messages(tables, rules, chains, sets, objects);
    }

    private List<KernelTable> tables(NfProto family) {
        return socket.isPresent() ? read(NfTables.tables(family), NfTables::table) : List.of();
    }

    private List<KernelChain> chains(NfProto family) {
        return socket.isPresent() ? read(NfTables.chains(family), NfTables::chain) : List.of();
    }

    private <T> List<T> read(NetlinkMessage request, Function<NetlinkReply, Optional<T>> object) {
        return Listing.read(open().dump(request), object);
    }

    /** Older kernels have no objects (before 4.10) or flow tables (before 4.16), and refuse to list them. */
    private List<NetlinkReply> dumpIfKnown(NetlinkMessage request) {
        try {
            return open().dump(request);
        } catch (RefusedException _) {
            return List.of();
        }
    }

    /** The kernel's number of a family. */
    static NfProto proto(IpFamily family) {
        return switch (family) {
            case IPV4 -> NfProto.IPV4;
            case IPV6 -> NfProto.IPV6;
        };
    }

    private NetlinkSocket open() {
        return socket.orElseThrow(() -> new RedirectException("this kernel has no netlink for netfilter"));
    }

    private static Optional<NetlinkSocket> opened() {
        try {
            return Optional.of(new NetlinkSocket(NetlinkSocket.NETFILTER));
        } catch (RedirectException _) {
            // No netfilter netlink in this kernel.
            return Optional.empty();
        }
    }
}
