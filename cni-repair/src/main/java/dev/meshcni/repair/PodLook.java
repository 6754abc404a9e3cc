package dev.meshcni.repair;

import dev.meshcni.core.PodPlan;
import dev.meshcni.rules.RuleDifference;
import java.util.List;

/** The result of inspecting a pod's network namespace. */
sealed interface PodLook {
    /** The pod is not to be redirected. */
    record NotMeant(String why) implements PodLook {}

    /** Everything is in place. */
    record AsPlanned() implements PodLook {}

    /** Nothing of the redirection is there. */
    record Absent(PodNamespace namespace, PodPlan plan) implements PodLook {}

    /** The redirection exists, but differs from the plan. */
    record Changed(PodNamespace namespace, PodPlan plan, List<RuleDifference> differences) implements PodLook {
        public Changed {
            differences = List.copyOf(differences);
        }
    }

    /** The rules exist but cannot be read. */
    record Unreadable(String why) implements PodLook {}

    /** It could not be seen for now. */
    record Unseen(String why) implements PodLook {}

    /** No pod can be seen from here. */
    record Blind(String why) implements PodLook {}
}
