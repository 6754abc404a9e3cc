// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import com.fasterxml.jackson.core.JsonParser;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Pod;
import java.io.IOException;
import java.util.List;
import java.util.Set;

/**
 * An event of a watch of pods (Kubernetes API Concepts, "Efficient detection of changes").
 *
 * @param type {@code ADDED}, {@code MODIFIED}, {@code DELETED}, {@code BOOKMARK} or {@code ERROR}
 * @param pod the pod; of a bookmark its version alone counts
 */
record WatchEvent(String type, BoundedPod pod) {
    /** Reads the object at which a parser stands. */
    static WatchEvent read(JsonParser json, Set<String> selectors) throws IOException {
        String[] type = {""};
        BoundedPod[] pod = {null};
        JsonFields.object(json, field -> {
            switch (field) {
                case "type" -> type[0] = BoundedTexts.read(json).value();
                case "object" -> pod[0] = PodJson.read(json, selectors);
                default -> {}
            }
        });
        return new WatchEvent(type[0], pod[0] == null ? nothing() : pod[0]);
    }

    private static BoundedPod nothing() {
        Pod pod = new Pod();
        pod.setMetadata(new ObjectMeta());
        return new BoundedPod(pod, List.of());
    }
}
