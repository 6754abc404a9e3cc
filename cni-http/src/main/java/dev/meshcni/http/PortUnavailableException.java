// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.http;

/** A port cannot be opened; the message says which option it came from and what to do. */
public final class PortUnavailableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    PortUnavailableException(String message, Throwable cause) {
        super(message, cause);
    }
}
