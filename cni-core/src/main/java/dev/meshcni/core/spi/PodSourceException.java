// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core.spi;

/**
 * A pod could not be looked up for now, as its source does not answer; trying again later may help.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public class PodSourceException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public PodSourceException(String message) {
        super(message);
    }

    public PodSourceException(String message, Throwable cause) {
        super(message, cause);
    }
}
