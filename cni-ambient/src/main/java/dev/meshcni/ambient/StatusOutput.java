// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

/**
 * Where the status of a pod is shown, its annotation {@code ambient.istio.io/redirection}. It is output: what anybody
 * writes there changes nothing but that it is written again.
 */
public interface StatusOutput {
    /** The status that is shown of a pod, or is about to be. */
    MeshStatus shown(AmbientPod pod);

    /** Has a status shown soon, and sees to it that it is. Waits for nothing: no pod waits for the API server. */
    void show(AmbientPod pod, MeshStatus status);
}
