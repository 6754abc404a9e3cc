// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A version of Kubernetes, {@code 1.MINOR}, for which manifests are made: the API server of an older one refuses fields
 * that it does not know.
 */
public record KubernetesVersion(int minor) {
    /** The first one that the manifests are for, as the chart says, too. */
    static final KubernetesVersion OLDEST = new KubernetesVersion(25);

    /** The first one whose pods have the field {@code appArmorProfile}; those before have an annotation. */
    static final KubernetesVersion WITH_APP_ARMOR_FIELD = new KubernetesVersion(30);

    private static final Pattern TEXT = Pattern.compile("v?1\\.(?<minor>[0-9]{1,4})(?:[.+-].*)?");

    /**
     * Parses a version as kubectl and cloud providers write it, such as {@code 1.29}, {@code v1.31.2} or
     * {@code 1.33.4-gke.1}.
     *
     * @throws IllegalArgumentException if it is none, or older than the manifests are for
     */
    public static KubernetesVersion parse(String text) {
        Matcher matcher = TEXT.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("'" + text + "' is no version of Kubernetes, such as 1.34");
        }
        KubernetesVersion version = new KubernetesVersion(Integer.parseInt(matcher.group("minor")));
        if (version.minor < OLDEST.minor) {
            throw new IllegalArgumentException(
                    "Kubernetes " + version + " is too old, must be " + OLDEST + " or later");
        }
        return version;
    }

    boolean hasAppArmorField() {
        return minor >= WITH_APP_ARMOR_FIELD.minor;
    }

    @Override
    public String toString() {
        return "1." + minor;
    }
}
