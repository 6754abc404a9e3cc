// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.libc.SharedDescriptor;
import java.util.List;

/**
 * What is in a pod's network namespace: the rules and routes that lead its traffic to ztunnel, and ztunnel's listeners.
 * All methods throw a {@link dev.meshcni.core.spi.RedirectException} when they cannot do their work. For any thread;
 * called by one at a time for a namespace.
 */
public interface PodRules {
    /** How the rules of a namespace compare with those that a pod should have. */
    enum State {
        /** None of ours is there. */
        ABSENT,
        AS_WANTED,
        /** Some are missing, and no others are there: an agent has ended while it applied or removed them. */
        PARTIAL,
        /** Others are there: an older agent's, or those of other annotations. */
        DIFFERENT
    }

    /** Reads the rules. */
    State state(AmbientPod pod, SharedDescriptor namespace);

    /** What differs from the rules that a pod should have, a line each; none where they are as wanted. */
    List<String> differences(AmbientPod pod, SharedDescriptor namespace);

    /** Makes the rules those of the pod, all or none, and reads them back. */
    void apply(AmbientPod pod, SharedDescriptor namespace, Deadline deadline);

    /** Removes all that any {@link #apply} has put there. Does nothing where nothing of ours is. */
    void remove(SharedDescriptor namespace, Deadline deadline);

    /** Returns whether ztunnel's ports are open in the namespace. */
    boolean isListening(AmbientPod pod, SharedDescriptor namespace);
}
