// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import java.net.InetAddress;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedSet;
import java.util.Set;

/**
 * Which pods have claimed which addresses. A base CNI gives an address to the next pod while the last one is still
 * being deleted, and the two are heard of in any order: the newer claim holds, and when it ends, the older one does if
 * there is still one.
 */
final class ProbeClaims {
    private final Map<InetAddress, SequencedSet<String>> claims = new HashMap<>();

    /**
     * Claims addresses for a pod, and gives up those that it has claimed before and that are not among them. One that
     * it claims already stays as old as it is.
     *
     * @return the addresses whose owner may be another one now
     */
    Set<InetAddress> claim(String uid, Collection<InetAddress> addresses) {
        Set<InetAddress> touched = new HashSet<>(addresses);
        Set<InetAddress> former = of(uid);
        former.stream().filter(address -> !addresses.contains(address)).forEach(address -> {
            touched.add(address);
            drop(uid, address);
        });
        addresses.forEach(address ->
                claims.computeIfAbsent(address, _ -> new LinkedHashSet<>()).add(uid));
        return touched;
    }

    /**
     * Ends all claims of a pod.
     *
     * @return the addresses that it had claimed
     */
    Set<InetAddress> end(String uid) {
        Set<InetAddress> former = of(uid);
        former.forEach(address -> drop(uid, address));
        return former;
    }

    /** The pod whose address it is: the one that has claimed it last. */
    Optional<String> owner(InetAddress address) {
        return Optional.ofNullable(claims.get(address)).map(SequencedSet::getLast);
    }

    /** The addresses that a pod has claimed, whoever owns them now. */
    Set<InetAddress> of(String uid) {
        Set<InetAddress> addresses = new HashSet<>();
        claims.forEach((address, claimants) -> {
            if (claimants.contains(uid)) {
                addresses.add(address);
            }
        });
        return addresses;
    }

    /** The owner of each address that has one. */
    Map<InetAddress, String> owners() {
        Map<InetAddress, String> owners = new HashMap<>();
        claims.forEach((address, claimants) -> owners.put(address, claimants.getLast()));
        return owners;
    }

    private void drop(String uid, InetAddress address) {
        claims.computeIfPresent(address, (_, claimants) -> {
            claimants.remove(uid);
            return claimants.isEmpty() ? null : claimants;
        });
    }
}
