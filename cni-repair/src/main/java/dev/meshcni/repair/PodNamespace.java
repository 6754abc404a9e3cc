// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import static java.util.Objects.requireNonNull;

import dev.meshcni.core.spi.NamespaceId;

/**
 * The network namespace of a running pod that was looked into.
 *
 * @param netns where it was found
 * @param id which one it was
 */
record PodNamespace(PodNetns netns, NamespaceId id) {
    PodNamespace {
        requireNonNull(netns, "netns is null");
        requireNonNull(id, "id is null");
    }
}
