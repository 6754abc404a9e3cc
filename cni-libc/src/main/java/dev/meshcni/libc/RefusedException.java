// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.libc;

import dev.meshcni.core.spi.RedirectException;

/** The kernel has refused a request, and nothing of it was done. */
public final class RefusedException extends RedirectException {
    /** {@code ERESTART}: the state that a transaction was made for is no longer that of the kernel. */
    private static final int ERESTART = 85;

    private static final long serialVersionUID = 1L;

    private final int errno;

    RefusedException(String message, int errno) {
        super(message);
        this.errno = errno;
    }

    public int errno() {
        return errno;
    }

    /** Returns whether another process has changed nf_tables meanwhile, so that a retry is worthwhile. */
    public boolean overtaken() {
        return errno == ERESTART;
    }
}
