// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

/** What the rest of the mesh is told about a pod: istiod has others speak HBONE to those that are enabled. */
public enum MeshStatus {
    /** Enrolled as a whole. */
    ENABLED,
    /** Its rules are in, and something else is missing. */
    PENDING,
    /** Not enrolled: others speak to it as to any pod. */
    NONE
}
