// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * Hands results of threads that are in a pod's namespace to whoever waits for them, by a thread that is not.
 *
 * <p>Whoever wakes a virtual thread may have to start the platform thread that carries it, and a thread that is started
 * inherits the network namespace of the one that starts it (clone(2)). Carriers that were started from within a pod's
 * namespace would stay there, and with them what virtual threads do next: connections to the API server, say. So a
 * thread in a pod's namespace wakes platform threads only.
 */
final class Handover {
    private static final BlockingQueue<Runnable> RESULTS = new LinkedBlockingQueue<>();

    static {
        // Started by the first caller, which is in this process's own namespace.
        Thread.ofPlatform()
                .name("netns-results")
                .daemon()
                .inheritInheritableThreadLocals(false)
                .start(Handover::serve);
    }

    private Handover() {}

    /** Makes sure that the thread is there, before any thread enters a namespace. */
    static void prepare() {
        // Loading this class has done it.
    }

    /**
     * How to give the calling thread what it waits for. A platform thread is woken by whoever has it; that wakes nobody
     * else.
     */
    static Executor toCaller() {
        return Thread.currentThread().isVirtual() ? Handover::run : Runnable::run;
    }

    /** Has something done outside of all pods' namespaces, soon. */
    static void run(Runnable result) {
        RESULTS.add(result);
    }

    private static void serve() {
        try {
            while (true) {
                RESULTS.take().run();
            }
        } catch (InterruptedException e) {
            // Nobody interrupts this thread.
            Thread.currentThread().interrupt();
        }
    }
}
