// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient.host;

import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.core.spi.UnreadableRulesException;
import dev.meshcni.libc.NetlinkSocket;
import dev.meshcni.netlink.KernelChain;
import dev.meshcni.netlink.KernelRule;
import dev.meshcni.netlink.KernelSet;
import dev.meshcni.netlink.KernelTable;
import dev.meshcni.netlink.NfTables;
import dev.meshcni.netlink.SetElement;
import dev.meshcni.nftables.TableSnapshot;
import dev.meshcni.rules.IpFamily;
import java.net.InetAddress;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Our tables at one moment. Others have thousands of chains and sets on a host, so nothing is listed but what is ours.
 *
 * @param generation the number of nf_tables' state, which every change of anybody raises
 * @param tables by family; a family without our table is absent
 */
record NftState(int generation, Map<IpFamily, TableSnapshot> tables) {
    private static final int ATTEMPTS = 10;

    NftState {
        tables = Map.copyOf(tables);
    }

    Optional<TableSnapshot> table(IpFamily family) {
        return Optional.ofNullable(tables.get(family));
    }

    Map<InetAddress, String> entries(IpFamily family) {
        return table(family).map(new PodSet(family)::entries).orElseGet(Families::entries);
    }

    /**
     * Reads them.
     *
     * @throws UnreadableRulesException if tables change all the time
     */
    static NftState read(NetlinkSocket socket) {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            int before = generation(socket);
            Map<IpFamily, TableSnapshot> tables = new EnumMap<>(IpFamily.class);
            for (IpFamily family : IpFamily.values()) {
                snapshot(socket, ProbeTable.of(family)).ifPresent(table -> tables.put(family, table));
            }
            if (before == generation(socket)) {
                return new NftState(before, tables);
            }
        }
        throw new UnreadableRulesException("the host's tables change all the time");
    }

    static int generation(NetlinkSocket socket) {
        return NfTables.generation(socket.ask(NfTables.generation()))
                .orElseThrow(() -> new RedirectException("nf_tables does not tell the number of its state"));
    }

    private static Optional<TableSnapshot> snapshot(NetlinkSocket socket, KernelTable wanted) {
        return HostKernel.find(socket, NfTables.find(wanted))
                .flatMap(NfTables::table)
                .map(table -> new TableSnapshot(
                        table, chains(socket, table), rules(socket, table), sets(socket, table), List.of()));
    }

    private static List<KernelChain> chains(NetlinkSocket socket, KernelTable table) {
        return HostKernel.find(socket, NfTables.findChain(table, ProbeTable.CHAIN)).flatMap(NfTables::chain).stream()
                .toList();
    }

    private static List<KernelRule> rules(NetlinkSocket socket, KernelTable table) {
        return socket.dump(NfTables.rules(table)).stream()
                .flatMap(reply -> NfTables.rule(reply).stream())
                .filter(rule -> rule.table().equals(table.name()))
                .toList();
    }

    private static Map<KernelSet, List<SetElement>> sets(NetlinkSocket socket, KernelTable table) {
        return HostKernel.find(socket, NfTables.findSet(table, PodSet.NAME))
                .flatMap(NfTables::set)
                .map(set -> Map.of(set, elements(socket, set)))
                .orElse(Map.of());
    }

    private static List<SetElement> elements(NetlinkSocket socket, KernelSet set) {
        return socket.dump(NfTables.elements(set)).stream()
                .flatMap(reply -> NfTables.elements(reply).stream())
                .toList();
    }
}
