// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.NamespaceHandle;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.RuleDifference;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** Opens the namespace behind a path for one thing, each time anew. */
record Visit(RedirectBackend backend, Path path) {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    static Visit to(RedirectBackend backend, Path path) {
        return new Visit(backend, path);
    }

    void apply(RedirectPlan plan) {
        try (NamespaceHandle namespace = open()) {
            namespace.apply(plan);
        }
    }

    List<RuleDifference> differences(RedirectPlan plan) {
        try (NamespaceHandle namespace = open()) {
            return namespace.differences(plan);
        }
    }

    private NamespaceHandle open() {
        return backend.open(path, Deadline.after(PATIENCE));
    }
}
