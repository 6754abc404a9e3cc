// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A thread that does one thing in one namespace, and ends. The next one is started when the last one has ended, from
 * outside of all pods' namespaces, so that a call that comes alone does not wait for a thread to start.
 */
final class NamespaceThread {
    private static final AtomicReference<NamespaceThread> NEXT = new AtomicReference<>();

    private final CompletableFuture<Runnable> work = new CompletableFuture<>();

    private NamespaceThread() {
        Thread.ofPlatform()
                .name("netns")
                .daemon()
                .inheritInheritableThreadLocals(false)
                .start(() -> work.join().run());
    }

    /** Starts to do something, by a thread that will do nothing else. */
    static void start(Runnable work) {
        NamespaceThread next = NEXT.getAndSet(null);
        (next == null ? new NamespaceThread() : next).work.complete(work);
    }

    /** Sees to it that there is a next one. */
    static void prepare() {
        if (NEXT.get() != null) {
            return;
        }
        try {
            NamespaceThread made = new NamespaceThread();
            if (!NEXT.compareAndSet(null, made)) {
                made.work.complete(() -> {});
            }
        } catch (OutOfMemoryError e) {
            // No thread can be started now; a call that finds none tries again, and says so.
            NEXT.set(null);
        }
    }
}
