// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

/**
 * Decides whether a pod belongs to the ambient mesh, by the same questions in the same order as Istio with its default
 * selectors. Excluded namespaces are decided before, from the pod's names alone.
 */
public final class AmbientMetadata {
    /** The label of pods and namespaces that chooses the mesh: {@value #AMBIENT} or {@value #NONE}. */
    public static final String MODE = "istio.io/dataplane-mode";

    /** The status that Istio's node agent writes: {@code enabled} or {@code pending} for a pod that has its rules. */
    public static final String REDIRECTION = "ambient.istio.io/redirection";

    static final String AMBIENT = "ambient";
    static final String NONE = "none";

    private AmbientMetadata() {}

    /**
     * Returns whether a pod should have the rules of ambient pods.
     *
     * @param pod the pod
     * @param namespaceIsAmbient whether its namespace has the label {@code istio.io/dataplane-mode: ambient}, which
     *     holds for pods that do not say otherwise
     */
    public static boolean selects(Pod pod, boolean namespaceIsAmbient) {
        if (!mayHaveRules(pod)) {
            return false;
        }
        String mode = pod.labels().getOrDefault(MODE, "");
        return mode.equals(AMBIENT) || (namespaceIsAmbient && !mode.equals(NONE));
    }

    /**
     * Returns whether the status of a pod says that its rules were set up, and its label does not say that they should
     * go. It is no proof: anybody who may change the pod may write it, and a restart of the node leaves it behind.
     */
    public static boolean isEnrolled(Pod pod) {
        String status = pod.annotations().getOrDefault(REDIRECTION, "");
        return mayHaveRules(pod)
                && !pod.labels().getOrDefault(MODE, "").equals(NONE)
                && (status.equals("enabled") || status.equals("pending"));
    }

    /** Neither the node's own network nor that of a pod with a sidecar is ever ambient. */
    private static boolean mayHaveRules(Pod pod) {
        return !pod.hostNetwork() && !pod.annotations().containsKey(RedirectPolicy.STATUS);
    }
}
