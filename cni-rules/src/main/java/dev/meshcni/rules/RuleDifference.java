// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.rules;

import java.util.Objects;

/**
 * A difference between a network namespace and its plan.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @param kind what is wrong
 * @param place where: family, table and chain, or the address or route meant
 * @param detail the rule, address or route in the notation of the tool that shows it
 * @since 0.1.0
 */
public record RuleDifference(Kind kind, String place, String detail) {
    /** The kind of the difference. */
    public enum Kind {
        /** It should be there and is not. */
        MISSING("missing"),
        /** It is there, in a place that is ours, and should not be. */
        UNEXPECTED("unexpected"),
        /** It is there, but others stand before it and decide first. */
        MISPLACED("misplaced");

        private final String label;

        Kind(String label) {
            this.label = label;
        }

        /** The word for people. */
        public String label() {
            return label;
        }
    }

    public RuleDifference {
        Objects.requireNonNull(kind, "kind is null");
        Objects.requireNonNull(place, "place is null");
        Objects.requireNonNull(detail, "detail is null");
    }

    @Override
    public String toString() {
        return kind.label() + " in " + place + ": " + detail;
    }
}
