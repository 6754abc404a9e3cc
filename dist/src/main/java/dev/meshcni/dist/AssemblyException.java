// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.dist;

import java.io.Serial;

/** The distribution cannot be assembled; the message says what has to change. */
public final class AssemblyException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1L;

    AssemblyException(String message) {
        super(message);
    }

    AssemblyException(String message, Throwable cause) {
        super(message, cause);
    }
}
