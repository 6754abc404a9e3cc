// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import static java.util.Objects.requireNonNull;

/**
 * A check of a cluster.
 *
 * @param verdict how it is
 * @param what what was found
 * @param remedy what to do about it; empty if nothing has to be done
 */
public record Check(Verdict verdict, String what, String remedy) {
    /** The verdict of a check. */
    public enum Verdict {
        /** As it should be. */
        OK,
        /** It works, but something will not work as expected, or will stop working. */
        WARNING,
        /** Pods fail, or are not redirected. */
        ERROR,
        /** It cannot be said. */
        UNKNOWN
    }

    public Check {
        requireNonNull(verdict, "verdict is null");
        requireNonNull(what, "what is null");
        requireNonNull(remedy, "remedy is null");
        if (verdict != Verdict.OK && remedy.isBlank()) {
            throw new IllegalArgumentException("a check that is not ok needs a remedy: " + what);
        }
    }

    static Check ok(String what) {
        return new Check(Verdict.OK, what, "");
    }

    static Check warning(String what, String remedy) {
        return new Check(Verdict.WARNING, what, remedy);
    }

    static Check error(String what, String remedy) {
        return new Check(Verdict.ERROR, what, remedy);
    }

    static Check unknown(String what, String remedy) {
        return new Check(Verdict.UNKNOWN, what, remedy);
    }
}
