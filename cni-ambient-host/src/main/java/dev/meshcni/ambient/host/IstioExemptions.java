// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient.host;

import dev.meshcni.libc.NetlinkSocket;
import dev.meshcni.libc.RefusedException;
import dev.meshcni.netlink.IpSet;
import dev.meshcni.netlink.IpSets;
import dev.meshcni.netlink.KernelTable;
import dev.meshcni.netlink.NfProto;
import dev.meshcni.netlink.NfTables;
import dev.meshcni.rules.IpFamily;
import java.util.ArrayList;
import java.util.List;

/** The exemptions that Istio's node agent makes on a host, by nftables or by iptables and ip_set. */
final class IstioExemptions {
    /** The chain of iptables in the table nat. */
    static final String CHAIN = "ISTIO_POSTRT";

    private static final KernelTable TABLE = new KernelTable(NfProto.INET, "istio-ambient-nat");
    private static final String SETS = "istio-inpod-probes-v";

    private IstioExemptions() {}

    /** The name of the set of a family. */
    static String set(IpFamily family) {
        return switch (family) {
            case IPV4 -> SETS + "4";
            case IPV6 -> SETS + "6";
        };
    }

    /** Those that are there, a line each. */
    static List<String> found(NetlinkSocket socket) {
        List<String> found = new ArrayList<>();
        if (HostKernel.find(socket, NfTables.findChain(TABLE, "postrouting")).isPresent()) {
            found.add("probes are exempt by Istio's node agent too: table inet " + TABLE.name());
        }
        for (IpFamily family : IpFamily.values()) {
            KernelTable nat = new KernelTable(Families.proto(family), "nat");
            if (HostKernel.find(socket, NfTables.findChain(nat, CHAIN)).isPresent()) {
                found.add("probes are exempt by Istio's node agent too: chain " + CHAIN + " in the table nat of "
                        + Families.label(family));
            }
        }
        for (IpFamily family : IpFamily.values()) {
            if (hasSet(socket, set(family))) {
                found.add("probes are exempt by Istio's node agent too: ipset " + set(family));
            }
        }
        return List.copyOf(found);
    }

    /** Returns whether there is a set of ip_set with a name; not where the kernel has no ip_set. */
    private static boolean hasSet(NetlinkSocket socket, String name) {
        try {
            return IpSets.sets(socket.dump(IpSets.list(name))).keySet().stream()
                    .map(IpSet::name)
                    .anyMatch(name::equals);
        } catch (RefusedException _) {
            return false;
        }
    }
}
