// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import static java.util.Objects.requireNonNull;

import dev.meshcni.rules.CutField;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;

/**
 * A pod as read from the API server.
 *
 * @param pod the fields that are used
 * @param cut those that were too large to be read
 */
record BoundedPod(Pod pod, List<CutField> cut) {
    BoundedPod {
        requireNonNull(pod, "pod is null");
        cut = List.copyOf(cut);
    }
}
