// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.enrolment;

import static java.util.Objects.requireNonNull;

import dev.meshcni.ambient.EnrolmentPolicy;
import dev.meshcni.ambient.EnrolmentPolicy.Exclusion;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.PodSourceException;
import dev.meshcni.kubernetes.NodePod;
import dev.meshcni.redirect.Pod;
import dev.meshcni.rules.InvalidParameterException;
import java.util.Map;
import java.util.Optional;

/**
 * Decides which pods should be in the mesh, by what is known of their namespaces.
 *
 * @param policy decides
 * @param namespaces the labels of namespaces
 */
record EnrolmentDecision(EnrolmentPolicy policy, NamespaceLabels namespaces) {
    EnrolmentDecision {
        requireNonNull(policy, "policy is null");
        requireNonNull(namespaces, "namespaces is null");
    }

    /**
     * Returns whether a pod that is being made should be in the mesh. That it should not be is only said of labels that
     * are known to be as they are now: a pod is not left out by mistake.
     *
     * @throws PodSourceException if that cannot be said for now
     * @throws InvalidParameterException if a field of the pod was too large to be read
     */
    boolean wants(Pod pod, Deadline deadline) {
        if (!pod.cut().isEmpty()) {
            throw new InvalidParameterException(pod.cut().getFirst());
        }
        Optional<Map<String, String>> shown = namespaces.shown(pod.namespace());
        Optional<Exclusion> exclusion = policy.exclusion(pod, shown.orElse(Map.of()), false);
        if (exclusion.isEmpty()) {
            return true;
        }
        boolean certain = exclusion.get() != Exclusion.NOT_SELECTED
                || !policy.dependsOnNamespace(pod)
                || (shown.isPresent() && namespaces.isLive());
        if (certain) {
            return false;
        }
        if (deadline.remaining().isZero()) {
            throw new PodSourceException("the labels of namespace " + pod.namespace() + " are not known to be current");
        }
        return policy.exclusion(pod, namespaces.ask(pod.namespace()), false).isEmpty();
    }

    /**
     * Why a pod of the node should not be in the mesh; empty if it should.
     *
     * @throws PodSourceException if its namespace is not known yet
     */
    Optional<Exclusion> exclusion(NodePod pod) {
        Optional<Map<String, String>> shown = namespaces.shown(pod.pod().namespace());
        Optional<Exclusion> exclusion =
                policy.exclusion(pod.pod(), shown.orElse(Map.of()), pod.stage() == NodePod.Stage.FINISHED);
        if (shown.isEmpty()
                && exclusion.filter(Exclusion.NOT_SELECTED::equals).isPresent()
                && policy.dependsOnNamespace(pod.pod())) {
            throw new PodSourceException("namespace " + pod.pod().namespace() + " is not known yet");
        }
        return exclusion;
    }
}
