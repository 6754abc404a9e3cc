// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import dev.meshcni.core.spi.RedirectException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A store in memory that outlives the agents of a test. */
final class MemoryStore implements AttachmentStore {
    final Map<List<String>, Stored> kept = new LinkedHashMap<>();
    boolean full;

    @Override
    public synchronized List<Stored> load() {
        return List.copyOf(kept.values());
    }

    @Override
    public synchronized void save(Stored attachment) {
        if (full) {
            throw new RedirectException("no space left");
        }
        kept.put(key(attachment), attachment);
    }

    @Override
    public synchronized void delete(Stored attachment) {
        kept.remove(key(attachment));
    }

    private static List<String> key(Stored attachment) {
        return List.of(attachment.network(), attachment.containerId(), attachment.ifName());
    }
}
