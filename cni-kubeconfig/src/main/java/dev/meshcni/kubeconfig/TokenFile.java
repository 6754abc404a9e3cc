// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubeconfig;

import dev.meshcni.config.DaemonException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;

/** {@code tokenFile}: whoever wrote the token may write a new one, so that it is read for each request. */
final class TokenFile implements Supplier<String> {
    private final Path file;
    private volatile String last;

    /**
     * Reads the file for the first time.
     *
     * @throws DaemonException if it cannot be read
     */
    TokenFile(Section user, Path file) {
        this.file = file;
        try {
            last = Files.readString(file).strip();
        } catch (IOException e) {
            throw new DaemonException(
                    user.place() + ": tokenFile " + file + " does not exist or is not readable for this user", e);
        }
        if (last.isEmpty()) {
            throw user.wrong("tokenFile", file + " is empty");
        }
    }

    /** The token now, or the last one that could be read. */
    @Override
    public String get() {
        try {
            String now = Files.readString(file).strip();
            if (!now.isEmpty()) {
                last = now;
            }
        } catch (IOException _) {
            return last;
        }
        return last;
    }
}
