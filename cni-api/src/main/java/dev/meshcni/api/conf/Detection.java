// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.conf;

import java.util.Objects;

/**
 * Whether an adapter answers for a configuration directory. Of several that do, the most confident one is chosen.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @param confidence how sure it is
 * @param file the file that our plugin is, or would be, installed into; empty if there is none yet
 * @param reason the reason for the detection, or against it, for the operator
 * @since 0.1.0
 */
public record Detection(Confidence confidence, String file, String reason) {
    /** The confidence of an adapter, in ascending order. */
    public enum Confidence {
        /** Not its directory. */
        NONE,
        /** No specific base CNI; the adapter works with any. */
        FALLBACK,
        /** Its base CNI is recognised. */
        CERTAIN
    }

    public Detection {
        Objects.requireNonNull(confidence, "confidence is null");
        Objects.requireNonNull(file, "file is null");
        Objects.requireNonNull(reason, "reason is null");
    }

    /** Not this adapter's directory. */
    public static Detection none() {
        return none("it is not the base CNI of this directory");
    }

    /** Not this adapter's directory, and why. */
    public static Detection none(String reason) {
        return new Detection(Confidence.NONE, "", reason);
    }

    /** The base CNI of this adapter. */
    public static Detection certain(String file, String reason) {
        return new Detection(Confidence.CERTAIN, file, reason);
    }

    /** Returns whether the adapter can answer for the directory at all. */
    public boolean claimed() {
        return confidence != Confidence.NONE;
    }
}
