// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient.host;

import static java.util.Objects.requireNonNull;

import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.libc.LibC;
import dev.meshcni.libc.NetlinkSocket;
import dev.meshcni.libc.RefusedException;
import dev.meshcni.netlink.IpSet;
import dev.meshcni.netlink.IpSets;
import dev.meshcni.netlink.NetlinkMessage;
import dev.meshcni.netlink.Octets;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.IpFamily;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Exemptions for a kernel without nf_tables: sets of ip_set, by netlink, and rules of the legacy variant of iptables,
 * by its programs. One entry changes in one step; all of them together by an exchange with a set that was filled
 * before.
 */
final class IpsetExemptions implements Exemptions {
    /** What is behind the name of a set that is being filled. */
    private static final String NEW = "-new";

    /** The error numbers of ip_set begin here ({@code IPSET_ERR_PRIVATE}). */
    private static final int FIRST_OF_IP_SET = 4096;

    private static final int MAX_LISTING = 8 << 20;

    private final HostKernel kernel;
    private final LegacyIptables iptables;
    private final Map<IpFamily, ProbeChain> wanted = new EnumMap<>(IpFamily.class);

    IpsetExemptions(HostKernel kernel, LegacyIptables iptables, Map<IpFamily, Cidr> sources) {
        this.kernel = requireNonNull(kernel, "kernel is null");
        this.iptables = requireNonNull(iptables, "iptables is null");
        sources.forEach((family, source) -> wanted.put(family, new ProbeChain(family, source)));
    }

    /**
     * Sees whether the kernel has ip_set.
     *
     * @throws RedirectException if it has not
     */
    void check() {
        wanted.keySet()
                .forEach(family -> kernel.netfilter(
                        socket -> found(socket, ProbeChain.set(family).name())));
    }

    @Override
    public String description() {
        return iptables.version() + " and ip_set by netlink";
    }

    @Override
    public Map<InetAddress, String> entries() {
        Map<InetAddress, String> entries = Families.entries();
        wanted.keySet().forEach(family -> entries.putAll(entries(family)));
        return entries;
    }

    @Override
    public List<String> objections() {
        List<String> objections = new ArrayList<>();
        for (IpFamily family : IpFamily.values()) {
            IpSet set = ProbeChain.set(family);
            Optional<IpSet> there = kernel.netfilter(socket -> found(socket, set.name()));
            List<String> saved = saved(family);
            if (wanted.containsKey(family)) {
                if (!there.equals(Optional.of(set))) {
                    objections.add("the set " + set.name() + " is missing, or of another type");
                }
                objections.addAll(wanted.get(family).objections(saved));
            } else if (there.isPresent() || ProbeChain.isThere(saved)) {
                objections.add("the set " + set.name() + " or its rule is there although " + Families.label(family)
                        + " is off");
            }
        }
        return objections;
    }

    @Override
    public void put(InetAddress address, String uid) {
        IpFamily family = Families.of(address);
        IpSet set = ProbeChain.set(family);
        boolean there = kernel.netfilter(socket -> {
            if (!found(socket, set.name()).equals(Optional.of(set))) {
                return false;
            }
            add(socket, set, address, uid);
            return true;
        });
        if (!there) {
            restore(family, Map.of(address, uid));
        }
    }

    @Override
    public void remove(InetAddress address, String uid) {
        IpSet set = ProbeChain.set(Families.of(address));
        if (uid.equals(entries(Families.of(address)).get(address))) {
            kernel.netfilter(socket -> {
                execute(
                        socket,
                        "deleting an entry of the set " + set.name(),
                        IpSets.delete(set, Octets.of(address.getAddress())),
                        IpSets.NO_ENTRY);
                return null;
            });
        }
    }

    @Override
    public void restore(Map<InetAddress, String> entries) {
        for (IpFamily family : IpFamily.values()) {
            if (wanted.containsKey(family)) {
                restore(family, Families.entriesOf(family, entries));
            } else {
                removeAll(family);
            }
        }
    }

    @Override
    public void removeAll() {
        for (IpFamily family : IpFamily.values()) {
            removeAll(family);
        }
    }

    /** Those of Istio's node agent have the same names, and are taken for ours. */
    @Override
    public List<String> others() {
        return List.of();
    }

    private void restore(IpFamily family, Map<InetAddress, String> entries) {
        IpSet set = ProbeChain.set(family);
        Optional<IpSet> there = kernel.netfilter(socket -> found(socket, set.name()));
        if (there.isPresent() && !there.get().equals(set)) {
            // Sets of different types cannot be exchanged, and none can be deleted while a rule refers to it.
            removeAll(family);
            there = Optional.empty();
        }
        if (there.isEmpty() || !entries(family).equals(entries)) {
            replace(set, there.isPresent(), entries);
        }
        change(family, wanted.get(family).change(saved(family)));
    }

    private void replace(IpSet set, boolean there, Map<InetAddress, String> entries) {
        IpSet filled = IpSet.ofAddresses(set.name() + NEW, set.family());
        kernel.netfilter(socket -> {
            destroy(socket, filled.name());
            try {
                execute(socket, "making the set " + filled.name(), IpSets.create(filled), 0);
                entries.forEach((address, uid) -> add(socket, filled, address, uid));
                if (!there) {
                    execute(socket, "making the set " + set.name(), IpSets.create(set), 0);
                }
                execute(
                        socket,
                        "exchanging the sets " + set.name() + " and " + filled.name(),
                        IpSets.swap(set.name(), filled.name()),
                        0);
            } finally {
                destroy(socket, filled.name());
            }
            return null;
        });
    }

    private void removeAll(IpFamily family) {
        change(family, ProbeChain.removal(saved(family)));
        kernel.netfilter(socket -> {
            destroy(socket, ProbeChain.set(family).name());
            destroy(socket, ProbeChain.set(family).name() + NEW);
            return null;
        });
    }

    private Map<InetAddress, String> entries(IpFamily family) {
        Map<InetAddress, String> entries = Families.entries();
        IpSet wantedSet = ProbeChain.set(family);
        Map<Octets, String> listed =
                kernel.netfilter(socket -> list(socket, wantedSet.name())).getOrDefault(wantedSet, Map.of());
        listed.forEach((address, uid) -> entries.put(Families.address(address), uid));
        return entries;
    }

    private List<String> saved(IpFamily family) {
        return kernel.inside(() -> iptables.nat(family));
    }

    private void change(IpFamily family, String rules) {
        if (!rules.isEmpty()) {
            kernel.inside(() -> {
                iptables.change(family, rules);
                return null;
            });
        }
    }

    private static Optional<IpSet> found(NetlinkSocket socket, String name) {
        return list(socket, name).keySet().stream().findFirst();
    }

    private static Map<IpSet, Map<Octets, String>> list(NetlinkSocket socket, String name) {
        try {
            return IpSets.sets(socket.dump(IpSets.list(name), MAX_LISTING));
        } catch (RefusedException e) {
            if (e.errno() == IpSets.NO_SET) {
                return new LinkedHashMap<>();
            }
            throw e;
        }
    }

    private static void add(NetlinkSocket socket, IpSet set, InetAddress address, String uid) {
        execute(
                socket,
                "adding an entry to the set " + set.name(),
                IpSets.add(set, Octets.of(address.getAddress()), uid),
                0);
    }

    private static void destroy(NetlinkSocket socket, String name) {
        execute(socket, "deleting the set " + name, IpSets.destroy(name), IpSets.NO_SET);
    }

    private static void execute(NetlinkSocket socket, String what, NetlinkMessage request, int harmless) {
        int errno = socket.execute(request);
        if (errno != 0 && errno != harmless) {
            throw new RedirectException(
                    what + ": " + (errno < FIRST_OF_IP_SET ? LibC.strerror(errno) : "error " + errno + " of ip_set"));
        }
    }
}
