// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ztunnel;

import dev.meshcni.libc.FileKey;

/** What a ztunnel knows about a pod, by the requests that it has answered. */
sealed interface Told {
    /** It serves the pod in this namespace. */
    record Serves(FileKey namespace) implements Told {}

    /**
     * It could not, and tries again by itself. Until it succeeds or the pod is taken from it, it is not ready.
     *
     * @param attempt the attempt that it has refused
     */
    record Refused(FileKey namespace, long attempt, String error) implements Told {}

    /** It was told to keep the pod if it has it. Whether it has is not known, so this counts for nothing. */
    record Kept() implements Told {}
}
