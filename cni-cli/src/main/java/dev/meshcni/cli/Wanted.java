// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import dev.meshcni.redirect.AmbientOptions;
import dev.meshcni.redirect.Decision;
import dev.meshcni.redirect.RedirectParameters;
import java.util.Objects;

/** What a pod should have in its network namespace. */
sealed interface Wanted {
    /** Rules that lead to the pod's own proxy. */
    record Sidecar(RedirectParameters parameters) implements Wanted {
        public Sidecar {
            Objects.requireNonNull(parameters, "parameters is null");
        }
    }

    /** Rules that lead to the node's ztunnel. */
    record Ambient(AmbientOptions options) implements Wanted {
        public Ambient {
            Objects.requireNonNull(options, "options is null");
        }
    }

    /** No rules. */
    record Nothing(Decision.Skip skip) implements Wanted {
        public Nothing {
            Objects.requireNonNull(skip, "skip is null");
        }
    }
}
