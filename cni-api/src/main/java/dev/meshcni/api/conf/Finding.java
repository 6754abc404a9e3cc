// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.conf;

import java.util.Objects;

/**
 * Something about a node that an operator has to know.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @param severity how bad it is
 * @param what what was found, and what follows from it
 * @param remedy what to do about it; empty if nothing has to be done
 * @since 0.1.0
 */
public record Finding(Severity severity, String what, String remedy) {
    /** The severity, in ascending order. */
    public enum Severity {
        /** Good to know. */
        INFO,
        /** Works, but something will not work as expected, or will stop working. */
        WARNING,
        /** Pods fail, or are not redirected. */
        ERROR
    }

    public Finding {
        Objects.requireNonNull(severity, "severity is null");
        Objects.requireNonNull(what, "what is null");
        Objects.requireNonNull(remedy, "remedy is null");
        if (severity != Severity.INFO && remedy.isBlank()) {
            throw new IllegalArgumentException("a finding above info needs a remedy: " + what);
        }
    }

    /** Good to know; the remedy may be empty. */
    public static Finding info(String what, String remedy) {
        return new Finding(Severity.INFO, what, remedy);
    }

    /** Works, but not as expected, or not for long. */
    public static Finding warning(String what, String remedy) {
        return new Finding(Severity.WARNING, what, remedy);
    }

    /** Pods fail, or are not redirected. */
    public static Finding error(String what, String remedy) {
        return new Finding(Severity.ERROR, what, remedy);
    }

    @Override
    public String toString() {
        return severity + ": " + what + (remedy.isEmpty() ? "" : " -> " + remedy);
    }
}
