// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core.spi;

import dev.meshcni.redirect.Pod;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * A source of this node's pods. Safe for use by many threads at once.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public interface PodSource extends AutoCloseable {
    /**
     * Finds a pod, waiting for one that the source has not seen yet.
     *
     * @param namespace the pod's namespace
     * @param name the pod's name
     * @param uid the UID that the runtime gave; empty if it gave none, which selects the pod that has the name now. A
     *     pod of another UID is never returned ({@link Pod#hasUid})
     * @param doubtful pods that must be known to be as they are now, as a mistake about them would do harm
     * @param patience how long to wait at most
     * @return the pod, or empty when it is certain, or certain enough after waiting, that there is none
     * @throws dev.meshcni.core.spi.PodSourceException if the source cannot say for now
     */
    Optional<Pod> find(String namespace, String name, String uid, Predicate<Pod> doubtful, Duration patience);

    /** Finds a pod which no harm comes of if it has just changed. */
    default Optional<Pod> find(String namespace, String name, String uid, Duration patience) {
        return find(namespace, name, uid, _ -> false, patience);
    }

    /** Returns the reason why this source cannot serve yet, for STATUS and readiness; empty when it can. */
    Optional<String> notReady();

    @Override
    void close();
}
