// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import dev.meshcni.kubernetes.NodePod;
import java.util.HashMap;
import java.util.Map;

/** The pods in a state that is logged when a pod enters it, and not again until it has left it. Used by one thread. */
final class ReportedPods {
    /** UIDs by {@code namespace/name}: a pod that is made again under its name is another one. */
    private final Map<String, String> uids = new HashMap<>();

    /** Adds a pod; says whether that is news. */
    boolean add(NodePod pod) {
        return !pod.pod().uid().equals(uids.put(pod.key(), pod.pod().uid()));
    }

    /** The pod of a {@code namespace/name} is not in the state any more. */
    void remove(String key) {
        uids.remove(key);
    }

    int size() {
        return uids.size();
    }
}
