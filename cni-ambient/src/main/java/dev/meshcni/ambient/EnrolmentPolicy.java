// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import static java.util.Objects.requireNonNull;

import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.RedirectPolicy;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Decides which pods should be enrolled, for the agent and for the commands that say what it will do. Pure.
 *
 * @param excludedNamespaces namespaces whose pods never are, whatever their labels
 * @param selectors a pod that one of these matches should be enrolled
 * @param systemNamespace the namespace of ztunnel itself
 */
public record EnrolmentPolicy(
        Set<String> excludedNamespaces, List<EnablementSelector> selectors, String systemNamespace) {
    private static final String APP = "app";
    private static final String ZTUNNEL = "ztunnel";

    /** Why a pod should not be enrolled. */
    public enum Exclusion {
        /** Its namespace is excluded by the agent's settings. */
        EXCLUDED_NAMESPACE,
        /** It has the node's network: no namespace of its own. */
        HOST_NETWORK,
        /** It has a sidecar, which carries its traffic. */
        SIDECAR,
        /** It carries the traffic of the others. */
        ZTUNNEL_ITSELF,
        /** No selector matches its labels and those of its namespace. */
        NOT_SELECTED,
        /** Its containers have ended for good. */
        ENDED
    }

    public EnrolmentPolicy {
        excludedNamespaces = Set.copyOf(excludedNamespaces);
        selectors = List.copyOf(selectors);
        requireNonNull(systemNamespace, "systemNamespace is null");
    }

    /**
     * Why a pod should not be enrolled; empty if it should.
     *
     * @param namespaceLabels the labels of its namespace
     * @param ended whether {@code status.phase} is {@code Succeeded} or {@code Failed}
     */
    public Optional<Exclusion> exclusion(Pod pod, Map<String, String> namespaceLabels, boolean ended) {
        if (excludedNamespaces.contains(pod.namespace())) {
            return Optional.of(Exclusion.EXCLUDED_NAMESPACE);
        }
        if (pod.hostNetwork()) {
            return Optional.of(Exclusion.HOST_NETWORK);
        }
        // A container of that name alone is not enough: only the injector knows what it has injected.
        if (pod.annotations().containsKey(RedirectPolicy.STATUS)) {
            return Optional.of(Exclusion.SIDECAR);
        }
        if (pod.namespace().equals(systemNamespace)
                && ZTUNNEL.equals(pod.labels().get(APP))) {
            return Optional.of(Exclusion.ZTUNNEL_ITSELF);
        }
        if (selectors.stream().noneMatch(selector -> selector.matches(pod.labels(), namespaceLabels))) {
            return Optional.of(Exclusion.NOT_SELECTED);
        }
        return ended ? Optional.of(Exclusion.ENDED) : Optional.empty();
    }

    /** Returns whether the labels of its namespace can make a difference for a pod. */
    public boolean dependsOnNamespace(Pod pod) {
        return selectors.stream().anyMatch(selector -> selector.pods().matches(pod.labels()));
    }

    /** The labels of pods that are asked for. */
    public Set<String> podLabels() {
        return labels(EnablementSelector::pods);
    }

    /** The labels of namespaces that are asked for. */
    public Set<String> namespaceLabels() {
        return labels(EnablementSelector::namespaces);
    }

    private Set<String> labels(Function<EnablementSelector, LabelSelector> part) {
        return selectors.stream()
                .flatMap(selector -> part.apply(selector).keys())
                .collect(Collectors.toUnmodifiableSet());
    }
}
