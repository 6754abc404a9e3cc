// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

/** What a pod carries that tells of ambient mode: a label that is asked for, and a status that was written. */
public final class AmbientMetadata {
    /**
     * The label of pods and namespaces by which Istio's own selectors choose the mesh: {@code ambient} or {@code none}.
     */
    public static final String MODE = "istio.io/dataplane-mode";

    /** The status that Istio's node agent writes: {@code enabled} or {@code pending} for a pod that has its rules. */
    public static final String REDIRECTION = "ambient.istio.io/redirection";

    private static final String NONE = "none";

    private AmbientMetadata() {}

    /**
     * Returns whether the status of a pod says that its rules were set up, and its label does not say that they should
     * go. It is no proof: anybody who may change the pod may write it, and a restart of the node leaves it behind.
     */
    public static boolean isEnrolled(Pod pod) {
        String status = pod.annotations().getOrDefault(REDIRECTION, "");
        // Neither the node's own network nor that of a pod with a sidecar is ever ambient.
        return !pod.hostNetwork()
                && !pod.annotations().containsKey(RedirectPolicy.STATUS)
                && !pod.labels().getOrDefault(MODE, "").equals(NONE)
                && (status.equals("enabled") || status.equals("pending"));
    }
}
