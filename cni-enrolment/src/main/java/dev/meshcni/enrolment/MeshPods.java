// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.enrolment;

import dev.meshcni.ambient.AmbientPod;
import dev.meshcni.kubernetes.NodePod;
import dev.meshcni.redirect.AmbientOptions;
import dev.meshcni.redirect.Pod;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Takes from a pod what its enrolment needs. */
final class MeshPods {
    private MeshPods() {}

    static AmbientPod of(NodePod pod) {
        return of(pod.pod(), pod.addresses());
    }

    static AmbientPod of(Pod pod, List<InetAddress> addresses) {
        Map<String, String> options = new HashMap<>(pod.annotations());
        options.keySet().retainAll(AmbientOptions.ANNOTATIONS);
        return new AmbientPod(pod.uid(), pod.namespace(), pod.name(), pod.serviceAccount(), options, addresses);
    }
}
