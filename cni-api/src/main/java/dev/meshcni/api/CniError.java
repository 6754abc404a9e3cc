// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Objects;

/**
 * The error object that a plugin prints when it fails (CNI specification 1.1, section 5, "Error").
 *
 * <p>API status: STABLE (docs/versioning.md).
 *
 * @param cniVersion the version that the plugin was called with; may be empty, as plugins made with libcni print none
 * @param code one of {@link ErrorCode}, or 100 and above
 * @param msg what failed, in a sentence
 * @param details what else helps; may be empty
 * @since 0.1.0
 */
public record CniError(String cniVersion, int code, String msg, String details) {
    public CniError {
        Objects.requireNonNull(cniVersion, "cniVersion is null");
        Objects.requireNonNull(msg, "msg is null");
        Objects.requireNonNull(details, "details is null");
    }

    /** The error object of a failure. */
    public static CniError of(CniException failure, SpecVersion version) {
        return new CniError(version.text(), failure.code(), failure.getMessage(), failure.details());
    }

    /** The error object of a failure that came before any version was known. */
    public static CniError of(CniException failure) {
        return of(failure, SpecVersion.latest());
    }

    /**
     * Reads an error object.
     *
     * @throws CniException with {@link ErrorCode#DECODING_FAILURE} if it has neither code nor message, or a field of
     *     the wrong type
     */
    public static CniError parse(ObjectNode json) {
        Fields fields = new Fields(json, "", ErrorCode.DECODING_FAILURE);
        if (!fields.has("code") && !fields.has("msg")) {
            throw fields.missing("code");
        }
        long code = fields.number("code").orElse(0);
        if (code != (int) code) {
            throw fields.invalid("code", "too large");
        }
        return new CniError(
                fields.textOr("cniVersion", ""), (int) code, fields.textOr("msg", ""), fields.textOr("details", ""));
    }

    /** The object to print. */
    public ObjectNode toJson() {
        ObjectNode json = CniJson.newObject();
        if (!cniVersion.isEmpty()) {
            json.put("cniVersion", cniVersion);
        }
        json.put("code", code).put("msg", msg);
        if (!details.isEmpty()) {
            json.put("details", details);
        }
        return json;
    }

    /** The failure that this reports. */
    public CniException toException() {
        return new CniException(code, msg, details);
    }
}
