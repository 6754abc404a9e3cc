package dev.meshcni.core.spi;

import dev.meshcni.core.Pod;
import java.time.Duration;
import java.util.Optional;

/** Where the pods of this node are known. Safe for use by many threads at once. */
public interface PodSource extends AutoCloseable {
    /**
     * Finds a pod, waiting for one that the source has not seen yet.
     *
     * @param namespace the pod's namespace
     * @param name the pod's name
     * @param uid the UID that the runtime gave; empty if it gave none, then any pod of the name will do. A pod of another
     *     UID is never returned ({@link Pod#hasUid})
     * @param patience how long to wait at most
     * @return the pod, or empty when it is certain, or certain enough after waiting, that there is none
     * @throws dev.meshcni.core.PodSourceException if the source cannot say for now
     */
    Optional<Pod> find(String namespace, String name, String uid, Duration patience);

    /** Why this source cannot serve yet, for STATUS and readiness; empty when it can. */
    Optional<String> notReady();

    @Override
    void close();
}
