// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Objects;

/**
 * A plugin's answer to VERSION (CNI specification 1.1, section 5, "Version Success").
 *
 * <p>API status: STABLE (docs/versioning.md).
 *
 * @param cniVersion the version of this answer
 * @param supportedVersions the versions that the plugin can be called with; perhaps some that are not known here
 * @since 0.1.0
 */
public record VersionInfo(String cniVersion, List<String> supportedVersions) {
    public VersionInfo {
        Objects.requireNonNull(cniVersion, "cniVersion is null");
        supportedVersions = List.copyOf(supportedVersions);
    }

    /** The answer of a plugin that supports all versions, in the version that it was asked in. */
    public static VersionInfo allVersions(SpecVersion asked) {
        return new VersionInfo(
                asked.text(), SpecVersion.all().stream().map(SpecVersion::text).toList());
    }

    /** A plugin of 0.1.0, which does not know VERSION. */
    public static VersionInfo ofLegacyPlugin() {
        return new VersionInfo(SpecVersion.V0_1_0.text(), List.of(SpecVersion.V0_1_0.text()));
    }

    /**
     * Reads an answer. As in libcni, {@code supportedVersions} may be missing in an answer of 0.1.0 or 0.2.0.
     *
     * @throws CniException with {@link ErrorCode#DECODING_FAILURE} if a field is missing or has the wrong type
     */
    public static VersionInfo parse(ObjectNode json) {
        Fields fields = new Fields(json, "", ErrorCode.DECODING_FAILURE);
        String version = fields.textOr("cniVersion", "");
        if (version.isEmpty()) {
            throw fields.missing("cniVersion");
        }
        List<String> supported = fields.strings("supportedVersions");
        if (!supported.isEmpty()) {
            return new VersionInfo(version, supported);
        }
        if (version.equals(SpecVersion.V0_2_0.text())) {
            return new VersionInfo(version, List.of(SpecVersion.V0_1_0.text(), version));
        }
        if (version.equals(SpecVersion.V0_1_0.text())) {
            return ofLegacyPlugin();
        }
        throw fields.missing("supportedVersions");
    }

    /** The object to print. */
    public ObjectNode toJson() {
        ObjectNode json = CniJson.newObject().put("cniVersion", cniVersion);
        supportedVersions.forEach(json.putArray("supportedVersions")::add);
        return json;
    }

    /** Returns whether the plugin can be called with a version. */
    public boolean supports(SpecVersion version) {
        return supportedVersions.contains(version.text());
    }
}
