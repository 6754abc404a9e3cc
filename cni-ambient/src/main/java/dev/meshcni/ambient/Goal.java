// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

/** What is wanted of a pod. */
enum Goal {
    /** It is in the mesh. */
    ENROLLED,
    /** It runs, and is not in the mesh. */
    LEFT,
    /** It does not run any more, and its network namespace ends: whatever is in there ends with it. */
    GONE
}
