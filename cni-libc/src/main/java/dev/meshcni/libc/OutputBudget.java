// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.libc;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.RedirectException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * The memory of this process for what programs print about one network namespace. Most of them print little. What is
 * more has to wait until few others hold as much, so that many pods with large tables cannot fill the heap together,
 * and pods with small ones do not wait for them.
 *
 * <p>For one thread.
 */
final class OutputBudget implements AutoCloseable {
    /** In bytes: what each may hold without asking. */
    static final int FREE = 256 << 10;

    private static final Semaphore LARGE = new Semaphore(2, true);

    private final Deadline deadline;
    private boolean taken;

    /** Room that is waited for until a moment. */
    OutputBudget(Deadline deadline) {
        this.deadline = deadline;
    }

    /**
     * Waits for room for more than {@link #FREE}, which is kept until this is closed.
     *
     * @throws RedirectException if there was none in time
     */
    void take() {
        try {
            if (!taken && !LARGE.tryAcquire(deadline.remaining().toNanos(), TimeUnit.NANOSECONDS)) {
                throw new RedirectException("timeout waiting to read large tables: other pods' tables are being read");
            }
            taken = true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new RedirectException("interrupted while waiting to read large tables", e);
        }
    }

    @Override
    public void close() {
        if (taken) {
            LARGE.release();
            taken = false;
        }
    }
}
