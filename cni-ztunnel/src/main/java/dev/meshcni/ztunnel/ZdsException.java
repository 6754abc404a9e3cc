// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ztunnel;

/** A message of ZDS that is none, or that has no place where it stands. The connection ends with it. */
final class ZdsException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ZdsException(String message) {
        super(message);
    }

    ZdsException(String message, Throwable cause) {
        super(message, cause);
    }
}
