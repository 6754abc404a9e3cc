// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.files;

import java.io.IOException;
import java.io.Serial;
import java.nio.file.Path;

/** The file has changed since a change was prepared; another process's version is in its place. */
public final class StaleFileException extends IOException {
    @Serial
    private static final long serialVersionUID = 1L;

    StaleFileException(Path file) {
        super(file + " was changed by another process at the same time");
    }
}
