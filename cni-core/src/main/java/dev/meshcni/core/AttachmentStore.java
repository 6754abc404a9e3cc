// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import dev.meshcni.core.spi.NamespaceId;
import dev.meshcni.core.spi.RedirectException;
import java.util.List;
import java.util.Objects;

/**
 * Where the agent keeps what it has redirected, so that a DEL after its restart undoes the same. Safe for use by many
 * threads, each attachment by one at a time.
 */
public interface AttachmentStore {
    /** A store that keeps nothing. */
    AttachmentStore NONE = new AttachmentStore() {
        @Override
        public List<Stored> load() {
            return List.of();
        }

        @Override
        public void save(Stored attachment) {
            // Nothing is kept.
        }

        @Override
        public void delete(Stored attachment) {
            // Nothing was kept.
        }
    };

    /**
     * An attachment that was redirected.
     *
     * @param network the name of the network's configuration
     * @param containerId {@code CNI_CONTAINERID}
     * @param ifName {@code CNI_IFNAME}
     * @param pod {@code namespace/name}
     * @param podUid the pod's UID; empty if the source of pods has none
     * @param netns the path that the runtime gave
     * @param namespace which namespace it led to
     */
    record Stored(
            String network,
            String containerId,
            String ifName,
            String pod,
            String podUid,
            String netns,
            NamespaceId namespace) {
        public Stored {
            Objects.requireNonNull(network, "network is null");
            Objects.requireNonNull(containerId, "containerId is null");
            Objects.requireNonNull(ifName, "ifName is null");
            Objects.requireNonNull(pod, "pod is null");
            Objects.requireNonNull(podUid, "podUid is null");
            Objects.requireNonNull(netns, "netns is null");
            Objects.requireNonNull(namespace, "namespace is null");
        }
    }

    /** Loads the attachments recorded by an earlier agent; unreadable records are skipped. */
    List<Stored> load();

    /**
     * Keeps an attachment, in place of an earlier one of the same network, container and interface.
     *
     * @throws RedirectException if it cannot be kept, with the remedy
     */
    void save(Stored attachment);

    /** Forgets an attachment. Never fails: what stays is dropped later, as its namespace is gone. */
    void delete(Stored attachment);
}
