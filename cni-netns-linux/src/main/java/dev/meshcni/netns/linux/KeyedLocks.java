// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.RedirectException;
import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/** Lets work for one key go on one at a time, and work for different keys at once. */
final class KeyedLocks {
    private static final class Entry {
        final ReentrantLock lock = new ReentrantLock();
        int users;
    }

    private final ConcurrentHashMap<String, Entry> entries = new ConcurrentHashMap<>();

    /**
     * Does the work when nobody else works for the key.
     *
     * @throws RedirectException if that does not come about in time
     */
    <T> T locked(String key, Duration patience, Supplier<T> work) {
        Entry entry = entries.compute(key, (_, existing) -> {
            Entry used = existing == null ? new Entry() : existing;
            used.users++;
            return used;
        });
        try {
            if (!entry.lock.tryLock(patience.toNanos(), TimeUnit.NANOSECONDS)) {
                throw new RedirectException(
                        "timeout after " + patience.toMillis() + " ms waiting for another operation on " + key);
            }
            try {
                return work.get();
            } finally {
                entry.lock.unlock();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new RedirectException("interrupted while waiting for " + key, e);
        } finally {
            entries.computeIfPresent(key, (_, used) -> --used.users == 0 ? null : used);
        }
    }

    /** The number of keys that somebody works for or waits for. */
    int size() {
        return entries.size();
    }
}
