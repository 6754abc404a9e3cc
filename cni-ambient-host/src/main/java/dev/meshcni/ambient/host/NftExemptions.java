// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient.host;

import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.libc.NetlinkSocket;
import dev.meshcni.libc.RefusedException;
import dev.meshcni.netlink.NfBatch;
import dev.meshcni.netlink.NfTables;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.IpFamily;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Exemptions in tables of ours in nf_tables, by netlink. Each change is one transaction, made for the state that it was
 * planned for: if anybody has changed anything meanwhile, the kernel refuses it, and it is planned again.
 */
final class NftExemptions implements Exemptions {
    private static final int ATTEMPTS = 10;

    private final HostKernel kernel;
    private final Map<IpFamily, ProbeTable> wanted = new EnumMap<>(IpFamily.class);

    /** What was found when the number of the state was this. */
    private Optional<NftState> known = Optional.empty();

    NftExemptions(HostKernel kernel, Map<IpFamily, Cidr> sources) {
        this.kernel = kernel;
        sources.forEach((family, source) -> wanted.put(family, new ProbeTable(family, source)));
    }

    /**
     * Has the kernel check what is to be written, and changes nothing. A table of ours that is there is proof enough.
     *
     * @throws RedirectException if it would not take it
     */
    void check() {
        NftState state = state();
        NfBatch batch = new NfBatch();
        wanted.forEach((family, table) -> {
            if (state.table(family).isEmpty()) {
                table.replace(batch, Map.of());
            }
        });
        if (!batch.isEmpty()) {
            run(socket -> socket.check(batch));
        }
    }

    @Override
    public String description() {
        return "nftables by netlink";
    }

    @Override
    public Map<InetAddress, String> entries() {
        NftState state = state();
        Map<InetAddress, String> entries = Families.entries();
        wanted.keySet().forEach(family -> entries.putAll(state.entries(family)));
        return entries;
    }

    @Override
    public List<String> objections() {
        NftState state = state();
        List<String> objections = new ArrayList<>();
        for (IpFamily family : IpFamily.values()) {
            if (wanted.containsKey(family)) {
                objections.addAll(wanted.get(family).objections(state.table(family)));
            } else if (state.table(family).isPresent()) {
                objections.add("the table " + ProbeTable.name(family) + " is there although " + Families.label(family)
                        + " is off");
            }
        }
        return objections;
    }

    @Override
    public void put(InetAddress address, String uid) {
        edit(entries -> entries.put(address, uid), Families.of(address));
    }

    @Override
    public void remove(InetAddress address, String uid) {
        if (uid.equals(entries().get(address))) {
            edit(entries -> entries.remove(address, uid), Families.of(address));
        }
    }

    @Override
    public void restore(Map<InetAddress, String> entries) {
        transact(state -> {
            NfBatch batch = new NfBatch(state.generation());
            for (IpFamily family : IpFamily.values()) {
                if (wanted.containsKey(family)) {
                    plan(batch, state, family, Families.entriesOf(family, entries));
                } else {
                    delete(batch, state, family);
                }
            }
            return batch;
        });
    }

    @Override
    public void removeAll() {
        transact(state -> {
            NfBatch batch = new NfBatch(state.generation());
            for (IpFamily family : IpFamily.values()) {
                delete(batch, state, family);
            }
            return batch;
        });
    }

    @Override
    public List<String> others() {
        return kernel.netfilter(IstioExemptions::found);
    }

    /** Changes the entries of a family, and restores what is wrong with its table. */
    private void edit(Consumer<Map<InetAddress, String>> change, IpFamily family) {
        transact(state -> {
            Map<InetAddress, String> entries = state.entries(family);
            change.accept(entries);
            NfBatch batch = new NfBatch(state.generation());
            plan(batch, state, family, entries);
            return batch;
        });
    }

    private void plan(NfBatch batch, NftState state, IpFamily family, Map<InetAddress, String> entries) {
        ProbeTable table = wanted.get(family);
        if (table.objections(state.table(family)).isEmpty()) {
            new PodSet(family).change(batch, state.entries(family), entries);
        } else {
            table.replace(batch, entries);
        }
    }

    private static void delete(NfBatch batch, NftState state, IpFamily family) {
        if (state.table(family).isPresent()) {
            batch.add(() -> "deleting the table " + ProbeTable.name(family), NfTables.delete(ProbeTable.of(family)));
        }
    }

    private void transact(Function<NftState, NfBatch> plan) {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            NfBatch batch = plan.apply(state());
            if (batch.isEmpty() || done(batch)) {
                return;
            }
        }
        throw new RedirectException("others change the host's tables all the time: exemptions were not changed");
    }

    /** Whether the kernel has made the changes; not if tables have changed since they were read. */
    private boolean done(NfBatch batch) {
        try {
            run(socket -> socket.transact(batch));
            return true;
        } catch (RefusedException e) {
            if (e.overtaken()) {
                return false;
            }
            throw e;
        }
    }

    private NftState state() {
        return kernel.netfilter(socket -> {
            if (known.filter(state -> state.generation() == NftState.generation(socket))
                    .isEmpty()) {
                known = Optional.of(NftState.read(socket));
            }
            return known.get();
        });
    }

    private void run(Consumer<NetlinkSocket> action) {
        kernel.netfilter(socket -> {
            action.accept(socket);
            return null;
        });
    }
}
