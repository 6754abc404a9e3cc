// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * Mirror pods, by which the kubelet shows the static pods of its node in the API server (Kubernetes, "Create static
 * Pods").
 *
 * <p>The runtime knows a static pod by a UID that the kubelet makes of the manifest and writes into an annotation of
 * the mirror. Anybody who may create pods can write that annotation, too, so that it counts only together with what
 * else makes a mirror.
 */
public final class MirrorPod {
    /** The annotation that holds the UID of the static pod. */
    public static final String CONFIG_HASH = "kubernetes.io/config.hash";

    /** The annotation that makes a pod a mirror, which no kubelet runs; its value is the same UID. */
    public static final String CONFIG_MIRROR = "kubernetes.io/config.mirror";

    /** MD5 in hexadecimal digits, without the dashes of the UIDs that the API server gives. */
    private static final Pattern STATIC_UID = Pattern.compile("[0-9a-f]{32}");

    private MirrorPod() {}

    /**
     * The UID of the static pod whose mirror a pod is; empty for any other pod.
     *
     * @param annotations {@code metadata.annotations}
     * @param ownedByNode whether one of {@code metadata.ownerReferences} is of kind {@code Node}
     */
    public static String staticUid(Map<String, String> annotations, boolean ownedByNode) {
        Objects.requireNonNull(annotations, "annotations is null");
        String hash = annotations.getOrDefault(CONFIG_HASH, "");
        boolean mirror = ownedByNode
                && hash.equals(annotations.get(CONFIG_MIRROR))
                && STATIC_UID.matcher(hash).matches();
        return mirror ? hash : "";
    }
}
