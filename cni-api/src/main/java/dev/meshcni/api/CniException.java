// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import java.util.Objects;

/**
 * A failure that is reported to the container runtime as a CNI error object (CNI specification 1.1, section 5,
 * "Error").
 *
 * <p>API status: STABLE (docs/versioning.md).
 *
 * @since 0.1.0
 */
public class CniException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int code;
    private final String details;

    /**
     * @param code one of {@link ErrorCode}, or 100 and above for a failure of the plugin's own
     * @param message what failed, in a sentence
     * @param details what else helps: the cause, the remedy; may be empty
     */
    public CniException(int code, String message, String details) {
        this(code, message, details, null);
    }

    /**
     * @param code one of {@link ErrorCode}, or 100 and above for a failure of the plugin's own
     * @param message what failed, in a sentence
     * @param details what else helps: the cause, the remedy; may be empty
     * @param cause the cause, for the log; it is not reported to the runtime; may be {@code null}
     */
    public CniException(int code, String message, String details, Throwable cause) {
        super(Objects.requireNonNull(message, "message is null"), cause);
        this.code = code;
        this.details = Objects.requireNonNull(details, "details is null");
    }

    /** The code of the error object. */
    public int code() {
        return code;
    }

    /** The details of the error object; empty when there are none. */
    public String details() {
        return details;
    }
}
