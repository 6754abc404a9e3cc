// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import dev.meshcni.config.DaemonException;
import java.util.Map;
import java.util.Set;

/** Finds the network namespaces of pods that run already, whatever runtime has started them. */
public interface PodNetnsFinder {
    /**
     * The namespaces of some pods, in one pass.
     *
     * @param podUids the UIDs as the kubelet knows them (for a static pod the hash of its manifest)
     * @return the namespaces of those that were found; never the host's own
     * @throws DaemonException if this daemon is not allowed to see the host's processes
     */
    Map<String, PodNetns> find(Set<String> podUids);

    /** Returns whether the process behind a namespace is still the same, and so is the namespace behind the path. */
    boolean isStill(PodNetns netns);
}
