// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import java.util.Objects;

/** The decision whether a pod's traffic is redirected, and how or why not. */
public sealed interface Decision {
    /** The traffic is redirected. */
    record Redirect(RedirectParameters parameters) implements Decision {
        public Redirect {
            Objects.requireNonNull(parameters, "parameters is null");
        }
    }

    /**
     * The traffic is left alone.
     *
     * @param reason why
     * @param detail the same as text, with what was found in the pod; one line, safe to log
     */
    record Skip(SkipReason reason, String detail) implements Decision {
        public Skip {
            Objects.requireNonNull(reason, "reason is null");
            Objects.requireNonNull(detail, "detail is null");
        }
    }
}
