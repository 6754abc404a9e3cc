// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ztunnel;

import dev.meshcni.libc.SharedDescriptor;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedSet;

/**
 * The pods that ztunnel is to have. What is to be said on a connection is the difference between these and what has
 * been said there, so that nothing queues up for a connection that is slow. Guarded by the server's lock.
 */
final class Wishes {
    private final Map<String, Wish> wishes = new LinkedHashMap<>();
    private final SequencedSet<String> urgent = new LinkedHashSet<>();
    private long attempts;

    /**
     * Wants a pod, in place of what was wanted for its UID.
     *
     * @param namespace becomes this object's, to be closed here
     */
    Wish put(String uid, WorkloadInfo info, Optional<SharedDescriptor> namespace) {
        Wish wish = new Wish(uid, info, namespace, ++attempts);
        release(Optional.ofNullable(wishes.put(uid, wish)));
        return wish;
    }

    void remove(String uid) {
        urgent.remove(uid);
        release(Optional.ofNullable(wishes.remove(uid)));
    }

    void clear() {
        wishes.values().forEach(wish -> release(Optional.of(wish)));
        wishes.clear();
        urgent.clear();
    }

    Optional<Wish> of(String uid) {
        return Optional.ofNullable(wishes.get(uid));
    }

    /** Returns whether this is still what is wanted for its UID. */
    boolean holds(Wish wish) {
        return of(wish.uid())
                .filter(present -> present.attempt() == wish.attempt())
                .isPresent();
    }

    /** Somebody waits for it: it comes before those for which nobody does. */
    void hurry(String uid) {
        urgent.add(uid);
    }

    void calm(String uid) {
        urgent.remove(uid);
    }

    /** The pods for which somebody waits, in the order in which that began. */
    Collection<String> urgent() {
        return urgent;
    }

    Collection<Wish> all() {
        return wishes.values();
    }

    private static void release(Optional<Wish> wish) {
        wish.flatMap(Wish::namespace).ifPresent(SharedDescriptor::close);
    }
}
