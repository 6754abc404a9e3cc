// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import dev.meshcni.redirect.PodPlan;
import dev.meshcni.rules.RuleDifference;
import java.util.List;

/** The result of inspecting a pod's network namespace. */
sealed interface PodInspection {
    /** The pod is not to be redirected. */
    record NotMeant(String why) implements PodInspection {}

    /** All is as it should be. */
    record AsPlanned() implements PodInspection {}

    /** Nothing of the redirection is there. */
    record Absent(PodNamespace namespace, PodPlan plan) implements PodInspection {}

    /** The redirection exists, but differs from the plan. */
    record Changed(PodNamespace namespace, PodPlan plan, List<RuleDifference> differences) implements PodInspection {
        public Changed {
            differences = List.copyOf(differences);
        }
    }

    /** The rules cannot be read: they may be anything. */
    record Unreadable(String why) implements PodInspection {}

    /** No process runs in a network namespace of its own, so that nothing of it can bypass its proxy. */
    record Idle() implements PodInspection {}

    /** It could not be seen for now. */
    record Unseen(String why) implements PodInspection {}

    /** No pod can be seen from here. */
    record Blind(String why) implements PodInspection {}
}
