// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import static java.util.Objects.requireNonNull;

import dev.meshcni.core.spi.Deadline;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** The pods of the engine by their UIDs, for each of which one thread works at a time. */
final class Memberships {
    private final ConcurrentHashMap<String, Membership> byUid = new ConcurrentHashMap<>();
    private final Predicate<Membership> spent;
    private volatile boolean closed;

    /** @param spent whether one stands for nothing any more, after somebody has worked for it: it is dropped then */
    Memberships(Predicate<Membership> spent) {
        this.spent = requireNonNull(spent, "spent is null");
    }

    Optional<Membership> of(String uid) {
        return Optional.ofNullable(byUid.get(uid));
    }

    Set<String> uids() {
        return Set.copyOf(byUid.keySet());
    }

    /**
     * Works for a pod when nobody else does.
     *
     * @throws AmbientException if that is not so in time, or these are closed
     */
    void locked(AmbientPod pod, Deadline deadline, Consumer<Membership> work) {
        while (true) {
            Membership membership = byUid.computeIfAbsent(pod.uid(), _ -> new Membership(pod));
            lock(membership, deadline);
            try {
                if (closed) {
                    membership.release();
                    drop(membership);
                    throw new AmbientException("pod " + pod + ": the agent is stopping");
                }
                if (!membership.isRemoved()) {
                    try {
                        work.accept(membership);
                    } finally {
                        if (spent.test(membership)) {
                            drop(membership);
                        }
                    }
                    return;
                }
            } finally {
                membership.lock.unlock();
            }
        }
    }

    /** Lets go of all namespaces. */
    void close() {
        closed = true;
        byUid.values().forEach(membership -> {
            membership.lock.lock();
            try {
                membership.release();
                membership.remove();
            } finally {
                membership.lock.unlock();
            }
        });
        byUid.clear();
    }

    private void drop(Membership membership) {
        membership.remove();
        byUid.remove(membership.pod().uid(), membership);
    }

    private static void lock(Membership membership, Deadline deadline) {
        try {
            if (!membership.lock.tryLock(deadline.remaining().toNanos(), TimeUnit.NANOSECONDS)) {
                throw new AmbientException("timeout waiting for another operation on pod " + membership.pod());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AmbientException("interrupted while waiting for pod " + membership.pod(), e);
        }
    }
}
