// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import dev.meshcni.api.CniException;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.PodSourceException;
import dev.meshcni.redirect.AmbientMetadata;
import dev.meshcni.redirect.Pod;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The mesh of the node's ztunnel, which carries the traffic of its pods in place of sidecars: what the plugin's verbs
 * need of it. For any thread.
 */
public interface AmbientMesh {
    /** The mesh on a node where another agent, such as Istio's own, has pods join it. */
    AmbientMesh OF_OTHERS = new AmbientMesh() {
        @Override
        public boolean wants(Pod pod, Deadline deadline) {
            return false;
        }

        @Override
        public boolean hasMember(Pod pod, Deadline deadline) {
            return AmbientMetadata.isEnrolled(pod);
        }

        @Override
        public int add(Pod pod, List<InetAddress> addresses, Path netns, Deadline deadline) {
            throw new IllegalStateException("no pod was wanted");
        }

        @Override
        public Optional<String> delete(String namespace, String name, String uid, Path netns, Deadline deadline) {
            return Optional.empty();
        }

        @Override
        public List<String> missing(Pod pod) {
            return List.of();
        }
    };

    /**
     * Returns whether a pod should be in the mesh.
     *
     * @throws PodSourceException if that cannot be said for now
     */
    boolean wants(Pod pod, Deadline deadline);

    /**
     * Returns whether a pod is expected to be in the mesh now (CHECK).
     *
     * @throws PodSourceException if that cannot be said for now
     */
    default boolean hasMember(Pod pod, Deadline deadline) {
        return wants(pod, deadline);
    }

    /**
     * Has a pod that is being made join the mesh (ADD): as a whole, or not at all.
     *
     * @param addresses those that the base CNI has given to the pod
     * @param netns its network namespace, as the runtime names it
     * @return the number of rules that lead its traffic to ztunnel
     * @throws CniException if it cannot join, with the step and its cause; nothing of it is left then
     */
    int add(Pod pod, List<InetAddress> addresses, Path netns, Deadline deadline);

    /**
     * Lets go of a pod whose sandbox is taken down (DEL). A DEL of an earlier sandbox changes nothing, and whatever
     * fails is made up for later.
     *
     * @param uid the pod's UID; empty if the runtime has given none
     * @return what was done, in words; empty if the pod was not in the mesh with this sandbox
     */
    Optional<String> delete(String namespace, String name, String uid, Path netns, Deadline deadline);

    /** What is missing for a pod to be in the mesh, besides the rules in its network namespace (CHECK). */
    List<String> missing(Pod pod);
}
