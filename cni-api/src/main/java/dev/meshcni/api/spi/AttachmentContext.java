// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.spi;

import dev.meshcni.api.CniResult;
import dev.meshcni.api.CniResult.Interface;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * The state that our plugin finds when it is called for an attachment.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @param ifName {@code CNI_IFNAME}
 * @param netns {@code CNI_NETNS}
 * @param prevResult what the plugins before ours reported; empty if ours was the first
 * @since 0.1.0
 */
public record AttachmentContext(String ifName, String netns, Optional<CniResult> prevResult) {
    public AttachmentContext {
        Objects.requireNonNull(ifName, "ifName is null");
        Objects.requireNonNull(netns, "netns is null");
        Objects.requireNonNull(prevResult, "prevResult is null");
    }

    /** Returns whether any address was reported. */
    public boolean hasAddress() {
        return prevResult.map(result -> !result.ips().isEmpty()).orElse(false);
    }

    /** The interfaces that were reported inside the attachment's sandbox. */
    public List<Interface> sandboxInterfaces() {
        return prevResult.map(CniResult::interfaces).orElse(List.of()).stream()
                .filter(networkInterface -> networkInterface.sandbox().equals(netns))
                .toList();
    }

    /** The interfaces that were reported on the host. */
    public List<Interface> hostInterfaces() {
        return prevResult.map(CniResult::interfaces).orElse(List.of()).stream()
                .filter(networkInterface -> networkInterface.sandbox().isEmpty())
                .toList();
    }
}
