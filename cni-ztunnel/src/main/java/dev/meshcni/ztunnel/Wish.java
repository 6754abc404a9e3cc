// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ztunnel;

import static java.util.Objects.requireNonNull;

import dev.meshcni.libc.FileKey;
import dev.meshcni.libc.SharedDescriptor;
import java.util.Optional;

/**
 * A pod that ztunnel is to have.
 *
 * @param uid {@code metadata.uid}
 * @param info its names
 * @param namespace its network namespace, empty while that is not known; closed when the pod is not wanted any more
 * @param attempt counts the times that somebody has asked for it: a refusal is an answer to one of them
 */
record Wish(String uid, WorkloadInfo info, Optional<SharedDescriptor> namespace, long attempt) {
    Wish {
        requireNonNull(uid, "uid is null");
        requireNonNull(info, "info is null");
        requireNonNull(namespace, "namespace is null");
    }

    Optional<FileKey> key() {
        return namespace.map(SharedDescriptor::key);
    }
}
