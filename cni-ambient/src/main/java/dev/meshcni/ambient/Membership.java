// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import static java.util.Objects.requireNonNull;

import dev.meshcni.libc.FileKey;
import dev.meshcni.libc.SharedDescriptor;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/** One pod in the engine: what is wanted of it, and its namespace while it is held. Guarded by its lock. */
final class Membership {
    final ReentrantLock lock = new ReentrantLock(true);

    /** Its latest description; also read without the lock. */
    private volatile AmbientPod pod;

    /** Also read without the lock: by whoever asks whether the namespace is that of a member. */
    private volatile Goal goal = Goal.LEFT;

    private Order order = Order.ZTUNNEL_FIRST;

    /** Whether all was as wanted of an enrolled pod the last time that somebody has looked. */
    private boolean complete;

    /** Also read without the lock: by whoever asks whether a late DEL means this sandbox. */
    private volatile Optional<SharedDescriptor> namespace = Optional.empty();

    /** It is in the engine's map no longer: whoever has waited for the lock starts again. */
    private boolean removed;

    Membership(AmbientPod pod) {
        this.pod = requireNonNull(pod, "pod is null");
    }

    AmbientPod pod() {
        return pod;
    }

    Goal goal() {
        return goal;
    }

    Order order() {
        return order;
    }

    Optional<SharedDescriptor> namespace() {
        return namespace;
    }

    Optional<FileKey> key() {
        return namespace.map(SharedDescriptor::key);
    }

    /** Returns whether it is to be in the mesh and its namespace is held. */
    boolean isHeld() {
        return goal == Goal.ENROLLED && namespace.isPresent();
    }

    boolean isRemoved() {
        return removed;
    }

    boolean isComplete() {
        return complete;
    }

    void complete(boolean whole) {
        complete = whole;
    }

    void want(Goal newGoal, Order newOrder) {
        complete &= newGoal == Goal.ENROLLED;
        goal = newGoal;
        order = newOrder;
    }

    /** The pod as it is now: its addresses and annotations may have changed. */
    void describe(AmbientPod now) {
        complete &= now.equals(pod);
        pod = now;
    }

    /**
     * Holds a namespace, in place of another one.
     *
     * @param opened becomes this object's, to be closed here
     */
    void hold(SharedDescriptor opened) {
        complete = false;
        Optional<SharedDescriptor> former = namespace;
        namespace = Optional.of(opened);
        former.ifPresent(SharedDescriptor::close);
    }

    void release() {
        Optional<SharedDescriptor> former = namespace;
        namespace = Optional.empty();
        former.ifPresent(SharedDescriptor::close);
    }

    void remove() {
        removed = true;
    }
}
