// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import java.util.Comparator;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The version of Istio that a proxy is from, as its image says it. Patch releases do not matter.
 *
 * @param major such as 1
 * @param minor such as 31
 */
public record ProxyVersion(int major, int minor) {
    /** The version of Istio that this build was made for. */
    public static final ProxyVersion COMPATIBLE = new ProxyVersion(1, 31);

    private static final int MAX_SKEW = 1;

    /** The Istio versions that this build supports, as text. */
    public static final String RANGE = "Istio " + COMPATIBLE.major + "." + (COMPATIBLE.minor - MAX_SKEW) + " to "
            + COMPATIBLE.major + "." + (COMPATIBLE.minor + MAX_SKEW);

    /** Oldest first; what has no version comes last. */
    public static final Comparator<Optional<ProxyVersion>> BY_AGE = Comparator.comparing(
            (Optional<ProxyVersion> version) -> version.orElse(new ProxyVersion(Integer.MAX_VALUE, 0)),
            Comparator.comparingInt(ProxyVersion::major).thenComparingInt(ProxyVersion::minor));

    private static final Pattern TAG = Pattern.compile("v?(?<major>\\d{1,4})\\.(?<minor>\\d{1,4})([.-].*)?");

    /** The version in an image's tag; empty where it has none, or one that is no version. */
    public static Optional<ProxyVersion> ofImage(String image) {
        String name = image.substring(image.lastIndexOf('/') + 1).replaceFirst("@.*", "");
        Matcher tag = TAG.matcher(name.substring(name.indexOf(':') + 1));
        return name.contains(":") && tag.matches()
                ? Optional.of(
                        new ProxyVersion(Integer.parseInt(tag.group("major")), Integer.parseInt(tag.group("minor"))))
                : Optional.empty();
    }

    /**
     * Returns whether Istio says that a CNI plugin of this build's version goes with such a proxy: one minor version
     * apart at most.
     */
    public boolean withinSkew() {
        return major == COMPATIBLE.major && Math.abs(minor - COMPATIBLE.minor) <= MAX_SKEW;
    }

    @Override
    public String toString() {
        return major + "." + minor;
    }
}
