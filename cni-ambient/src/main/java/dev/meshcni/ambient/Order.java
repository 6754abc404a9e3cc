// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

/** What comes first when a pod joins the mesh. */
public enum Order {
    /**
     * Its rules. Until ztunnel serves it, the pod is cut off and sends nothing in plain text: a pod that is being made,
     * or one that may not talk outside of the mesh.
     */
    RULES_FIRST,
    /** ztunnel. Until it serves the pod, the pod talks on as before: one that runs. */
    ZTUNNEL_FIRST
}
