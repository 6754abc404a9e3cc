// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import static java.util.Objects.requireNonNull;

import dev.meshcni.redirect.AmbientMetadata;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * One way for a pod to be in ambient mode: by its own labels and those of its namespace.
 *
 * @param pods what the pod's labels have to match
 * @param namespaces what the namespace's labels have to match
 */
public record EnablementSelector(LabelSelector pods, LabelSelector namespaces) {
    /**
     * Istio's selectors: a pod with the label {@code ambient}, and one without {@code none} in a namespace that has the
     * label {@code ambient}.
     */
    public static final List<EnablementSelector> DEFAULT = List.of(
            new EnablementSelector(
                    new LabelSelector(Map.of(AmbientMetadata.MODE, "ambient"), List.of()), LabelSelector.EVERYTHING),
            new EnablementSelector(
                    new LabelSelector(
                            Map.of(),
                            List.of(new LabelSelector.Requirement(
                                    AmbientMetadata.MODE, LabelSelector.Operator.NOT_IN, Set.of("none")))),
                    new LabelSelector(Map.of(AmbientMetadata.MODE, "ambient"), List.of())));

    public EnablementSelector {
        requireNonNull(pods, "pods is null");
        requireNonNull(namespaces, "namespaces is null");
    }

    /** Returns whether a pod is in ambient mode by this. */
    public boolean matches(Map<String, String> podLabels, Map<String, String> namespaceLabels) {
        return pods.matches(podLabels) && namespaces.matches(namespaceLabels);
    }
}
