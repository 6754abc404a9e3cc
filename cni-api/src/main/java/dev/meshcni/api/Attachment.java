// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import java.util.Objects;

/**
 * A container's attachment to a network, as GC names those that are still in use (CNI specification 1.1, section 2,
 * "GC").
 *
 * <p>API status: STABLE (docs/versioning.md).
 *
 * @param containerId the container's ID
 * @param ifName the interface inside the container
 * @since 0.1.0
 */
public record Attachment(String containerId, String ifName) {
    public Attachment {
        Objects.requireNonNull(containerId, "containerId is null");
        Objects.requireNonNull(ifName, "ifName is null");
    }
}
