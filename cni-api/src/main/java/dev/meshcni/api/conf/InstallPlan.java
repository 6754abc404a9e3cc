// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.conf;

import java.util.List;
import java.util.Objects;

/**
 * The steps needed to install our plugin.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public sealed interface InstallPlan {
    /**
     * These edits, in this order.
     *
     * @param edits what to change; empty if our plugin is installed correctly
     */
    record Edits(List<FileEdit> edits) implements InstallPlan {
        public Edits {
            edits = List.copyOf(edits);
        }
    }

    /**
     * Nothing yet: the base CNI has not written its configuration.
     *
     * @param what the thing waited for, as text
     */
    record Wait(String what) implements InstallPlan {
        public Wait {
            Objects.requireNonNull(what, "what is null");
        }
    }

    /**
     * No change, an operator has to intervene: the file cannot be parsed, or belongs to another product.
     *
     * @param file the file in question
     * @param reason why, with line and column where it is a matter of syntax
     */
    record Refuse(String file, String reason) implements InstallPlan {
        public Refuse {
            Objects.requireNonNull(file, "file is null");
            Objects.requireNonNull(reason, "reason is null");
        }
    }
}
