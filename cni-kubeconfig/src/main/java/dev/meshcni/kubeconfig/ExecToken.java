// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubeconfig;

import java.time.Instant;
import java.util.Optional;
import java.util.function.Supplier;

/** The token of an exec plugin, which runs again when it has expired. */
final class ExecToken implements Supplier<String> {
    private final ExecPlugin plugin;
    private String token;
    private Optional<Instant> expiry;

    ExecToken(ExecPlugin plugin, String token, Optional<Instant> expiry) {
        this.plugin = plugin;
        this.token = token;
        this.expiry = expiry;
    }

    @Override
    public synchronized String get() {
        if (expiry.filter(Instant.now()::isAfter).isPresent()) {
            ExecCredential next = plugin.run();
            token = next.token().orElse(token);
            expiry = next.expiry();
        }
        return token;
    }
}
