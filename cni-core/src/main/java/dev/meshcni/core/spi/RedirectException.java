// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core.spi;

/**
 * The rules of a network namespace could not be read, changed or verified. The message says which step failed and what
 * to do; nothing of the attempt is left in the namespace unless the message says so.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public class RedirectException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public RedirectException(String message) {
        super(message);
    }

    public RedirectException(String message, Throwable cause) {
        super(message, cause);
    }
}
