// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import dev.meshcni.api.Attachment;
import dev.meshcni.core.AttachmentStore.Stored;
import dev.meshcni.core.spi.NamespaceId;
import dev.meshcni.core.spi.RedirectException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * The attachments that agents of this node have redirected and that the runtime has not deleted, each with the network
 * namespace in which that was done: what DEL undoes, and nothing else.
 */
public final class Attachments {
    private record Key(String network, String containerId, String ifName) {
        static Key of(Stored attachment) {
            return new Key(attachment.network(), attachment.containerId(), attachment.ifName());
        }
    }

    /** @param recalled whether an earlier agent has redirected it */
    private record Known(Stored attachment, boolean recalled) {}

    private final AttachmentStore store;
    private final Map<Key, Known> known = new ConcurrentHashMap<>();
    private final AtomicLong added = new AtomicLong();

    /** Those that are in a store already, and those that come. */
    Attachments(AttachmentStore store) {
        this.store = Objects.requireNonNull(store, "store is null");
        store.load().forEach(attachment -> known.put(Key.of(attachment), new Known(attachment, true)));
    }

    /**
     * Adds an attachment before it is redirected: should the agent end in between, its DEL finds it.
     *
     * @return what takes it back if it cannot be redirected
     * @throws RedirectException if it cannot be kept
     */
    Runnable add(Stored attachment) {
        Key key = Key.of(attachment);
        added.incrementAndGet();
        store.save(attachment);
        Optional<Known> before = Optional.ofNullable(known.put(key, new Known(attachment, false)));
        return () -> {
            if (before.isPresent()) {
                store.save(before.get().attachment());
                known.put(key, before.get());
            } else {
                remove(attachment);
            }
        };
    }

    /** The attachment of a network, if it was redirected. */
    Optional<Stored> find(String network, Attachment attachment) {
        return Optional.ofNullable(known.get(new Key(network, attachment.containerId(), attachment.ifName())))
                .map(Known::attachment);
    }

    /** Forgets an attachment. */
    void remove(Stored attachment) {
        forget(attachment::equals);
    }

    /** The other attachments that are redirected in the same namespace. */
    List<Stored> besides(Stored attachment) {
        return known.values().stream()
                .map(Known::attachment)
                .filter(other -> !Key.of(other).equals(Key.of(attachment)))
                .filter(other -> other.namespace().isSame(attachment.namespace()))
                .toList();
    }

    /** Forgets what of a network is not among the valid attachments; returns how many that were. */
    int retain(String network, Collection<Attachment> valid) {
        Set<Key> keep = valid.stream()
                .map(attachment -> new Key(network, attachment.containerId(), attachment.ifName()))
                .collect(Collectors.toUnmodifiableSet());
        return forget(attachment -> attachment.network().equals(network) && !keep.contains(Key.of(attachment)));
    }

    /** Forgets what an earlier agent has redirected and what is not there any more; returns how many that were. */
    int forgetRecalled(Predicate<Stored> gone) {
        Set<Key> recalled = known.entrySet().stream()
                .filter(entry -> entry.getValue().recalled())
                .map(Map.Entry::getKey)
                .collect(Collectors.toUnmodifiableSet());
        return forget(attachment -> recalled.contains(Key.of(attachment)) && gone.test(attachment));
    }

    /** Returns whether this agent itself has redirected an attachment of a pod, by its UID. */
    public boolean redirected(String podUid) {
        return known.values().stream()
                .anyMatch(one -> !one.recalled() && one.attachment().podUid().equals(podUid));
    }

    /** The namespaces in which a pod was redirected, by its UID. */
    public Set<NamespaceId> namespacesOf(String podUid) {
        return known.values().stream()
                .map(Known::attachment)
                .filter(attachment -> attachment.podUid().equals(podUid))
                .map(Stored::namespace)
                .collect(Collectors.toUnmodifiableSet());
    }

    /** The number of attachments that runtimes have asked this agent to redirect since it started. */
    public long added() {
        return added.get();
    }

    /** The number of redirected attachments. */
    public int size() {
        return known.size();
    }

    private int forget(Predicate<Stored> which) {
        List<Stored> gone =
                known.values().stream().map(Known::attachment).filter(which).toList();
        List<Stored> removed = gone.stream()
                .filter(attachment -> known.remove(Key.of(attachment)) != null)
                .toList();
        removed.forEach(store::delete);
        return removed.size();
    }
}
