// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The set on the host that holds the addresses of enrolled pods: to these, the kubelet's probes come from an address of
 * their own, which the pods' rules let pass. Each entry carries the UID of its pod. For one thread at a time.
 */
public interface ProbeSet {
    /** Returns whether the set has entries of the address's family; not of IPv6 where that is switched off. */
    boolean covers(InetAddress address);

    /** The UID of an address's entry; empty if it has none. */
    Optional<String> owner(InetAddress address);

    /** All entries: the UID for each address. */
    Map<InetAddress, String> entries();

    /** Makes the entry of an address this pod's, whoever had it before, in one step. */
    void put(InetAddress address, String uid);

    /** Removes the entry of an address, if it is this pod's. */
    void remove(InetAddress address, String uid);

    /**
     * Compares the host with what it should be.
     *
     * @param wanted the UID for each address; those of a family that is not covered are left out
     * @return what {@link #restore} would change, a line each
     */
    List<String> differences(Map<InetAddress, String> wanted);

    /** Makes the host what it should be, at no moment without an entry that is wanted and was there. */
    void restore(Map<InetAddress, String> wanted);
}
