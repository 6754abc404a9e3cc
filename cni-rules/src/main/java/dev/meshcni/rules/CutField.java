// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.rules;

import java.util.Objects;

/**
 * A field of a pod that the engine reads and that is larger than what is kept of it. What it says is not known, so that
 * nothing is decided about the pod: neither that it is redirected nor that it is left alone.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @param field where it stands, as in "annotation traffic.sidecar.istio.io/excludeInboundPorts"
 * @param size how large it is, in characters or elements
 * @param bound how large it may be
 * @since 0.1.0
 */
public record CutField(String field, long size, long bound) {
    public CutField {
        Objects.requireNonNull(field, "field is null");
    }

    /** The problem and the limit. */
    String problem() {
        return "has a size of " + size + ", which exceeds the limit of " + bound;
    }
}
