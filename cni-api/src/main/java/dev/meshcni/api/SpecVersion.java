// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A released version of the CNI specification, oldest first; {@code compareTo} orders them by age.
 *
 * <p>API status: STABLE (docs/versioning.md).
 *
 * @since 0.1.0
 */
public enum SpecVersion {
    V0_1_0("0.1.0"),
    V0_2_0("0.2.0"),
    V0_3_0("0.3.0"),
    V0_3_1("0.3.1"),
    V0_4_0("0.4.0"),
    V1_0_0("1.0.0"),
    V1_1_0("1.1.0");

    private final String text;

    SpecVersion(String text) {
        this.text = text;
    }

    /** The version as it stands in {@code cniVersion}. */
    public String text() {
        return text;
    }

    /** The newest version that this library knows. */
    public static SpecVersion latest() {
        return V1_1_0;
    }

    /** The version of a text, if it has been released. */
    public static Optional<SpecVersion> of(String text) {
        for (SpecVersion version : values()) {
            if (version.text.equals(text)) {
                return Optional.of(version);
            }
        }
        return Optional.empty();
    }

    /**
     * The version that a network configuration names in {@code cniVersion}; an absent or empty one means 0.1.0, the
     * last version whose configurations could do without it.
     *
     * @throws CniException with {@link ErrorCode#INCOMPATIBLE_VERSION} if there is no such version
     */
    public static SpecVersion ofConfiguration(String text) {
        if (text == null || text.isEmpty()) {
            return V0_1_0;
        }
        return of(text).orElseThrow(() -> {
            List<String> supported = new ArrayList<>();
            all().forEach(version -> supported.add(version.text()));
            return new CniException(
                    ErrorCode.INCOMPATIBLE_VERSION,
                    "unsupported CNI version " + Quote.of(text),
                    "supported: " + String.join(", ", supported));
        });
    }

    /** All versions, oldest first. */
    public static List<SpecVersion> all() {
        return List.of(values());
    }

    /** Returns whether this version is the other one or newer. */
    public boolean atLeast(SpecVersion other) {
        return compareTo(other) >= 0;
    }

    @Override
    public String toString() {
        return text;
    }
}
