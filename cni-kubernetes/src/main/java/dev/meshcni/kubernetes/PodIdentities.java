// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import dev.meshcni.redirect.Pod;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Which UID the kubelet of this node has given each of its pods. A UID that more than one pod has a claim to names none
 * of them, but for the pod to which the API server gave it: what stands in a pod's annotations is its author's.
 */
public final class PodIdentities {
    private final Map<String, Integer> claims = new HashMap<>();

    /** The identities of all pods of the node. */
    public PodIdentities(Collection<NodePod> pods) {
        for (NodePod pod : pods) {
            claim(pod.pod().uid());
            if (pod.pod().isMirror()) {
                claim(pod.pod().staticUid());
            }
        }
    }

    /** The UID by which control groups name a pod; empty if another pod says that it has the same. */
    public Optional<String> runtimeUid(Pod pod) {
        if (!pod.isMirror()) {
            return Optional.of(pod.uid()).filter(uid -> !uid.isEmpty());
        }
        return Optional.of(pod.staticUid()).filter(uid -> claims.getOrDefault(bare(uid), 0) == 1);
    }

    private void claim(String uid) {
        claims.merge(bare(uid), 1, Integer::sum);
    }

    /** Control groups write a UID with dashes, with underscores, or with neither. */
    private static String bare(String uid) {
        return uid.replace("-", "");
    }
}
