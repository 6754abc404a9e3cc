// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import static java.util.Objects.requireNonNull;

import java.net.InetAddress;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Keeps the set of probe exemptions what the claims of the enrolled pods make it. For any thread. */
public final class ProbeExemptions {
    private final ProbeSet set;
    private final ProbeClaims claims = new ProbeClaims();

    public ProbeExemptions(ProbeSet set) {
        this.set = requireNonNull(set, "set is null");
    }

    /** Exempts a pod's addresses; those of a newer pod stay that one's. */
    public synchronized void exempt(AmbientPod pod) {
        claims.claim(pod.uid(), covered(pod)).forEach(address -> settle(address, pod.uid()));
    }

    /** Ends a pod's exemptions, and leaves alone what is another one's. */
    public synchronized void end(AmbientPod pod) {
        Set<InetAddress> addresses = new HashSet<>(claims.end(pod.uid()));
        // An agent that ran before may have put these there.
        addresses.addAll(covered(pod));
        addresses.forEach(address -> settle(address, pod.uid()));
    }

    /** A pod that comes again in another sandbox comes as a new one. */
    public synchronized void renew(AmbientPod pod) {
        claims.end(pod.uid()).forEach(address -> settle(address, pod.uid()));
    }

    public synchronized boolean isExempt(AmbientPod pod) {
        List<InetAddress> covered = covered(pod);
        return claims.of(pod.uid()).equals(Set.copyOf(covered))
                && covered.stream().allMatch(address -> claims.owner(address).equals(set.owner(address)));
    }

    /** Returns whether a pod has claimed anything. */
    public synchronized boolean hasClaims(AmbientPod pod) {
        return !claims.of(pod.uid()).isEmpty();
    }

    /** Returns whether a pod has claimed anything, or something in the set bears its UID. */
    public synchronized boolean isClaimedBy(AmbientPod pod) {
        return !claims.of(pod.uid()).isEmpty()
                || covered(pod).stream()
                        .anyMatch(address ->
                                set.owner(address).filter(pod.uid()::equals).isPresent());
    }

    /**
     * Makes the host be as the claims say: for the moment when all pods of the node are known, and each round.
     *
     * @return what was not so, a line each
     */
    public synchronized List<String> sweep() {
        Map<InetAddress, String> owners = claims.owners();
        List<String> differences = set.differences(owners);
        if (!differences.isEmpty()) {
            set.restore(owners);
        }
        return differences;
    }

    /** What the set should hold: the UID for each address that is claimed. */
    public synchronized Map<InetAddress, String> wanted() {
        return Map.copyOf(claims.owners());
    }

    private List<InetAddress> covered(AmbientPod pod) {
        return pod.addresses().stream().filter(set::covers).distinct().toList();
    }

    /** Makes an address's entry that of its owner; without one, takes out the entry of the pod that is concerned. */
    private void settle(InetAddress address, String uid) {
        claims.owner(address)
                .ifPresentOrElse(
                        owner -> {
                            if (!set.owner(address).filter(owner::equals).isPresent()) {
                                set.put(address, owner);
                            }
                        },
                        () -> set.remove(address, uid));
    }
}
