// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

/** A pod could not join the mesh, or leave it. The message names the pod, the step, and its cause. */
public final class AmbientException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    AmbientException(String message) {
        super(message);
    }

    AmbientException(String message, Throwable cause) {
        super(message, cause);
    }
}
