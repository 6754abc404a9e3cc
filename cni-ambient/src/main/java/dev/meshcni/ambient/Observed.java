// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.List;

/**
 * What is so with a pod.
 *
 * @param held whether its network namespace is open here; without it nothing can be seen or changed in there
 * @param rules the rules in it
 * @param wanted whether ztunnel is to have it, as far as the server knows
 * @param served whether the serving ztunnel has acknowledged that it serves the pod in this namespace
 * @param listening whether ztunnel's ports are open in it
 * @param exempt whether the kubelet's probes reach it: its addresses are in the set, as its own or those of a newer pod
 * @param claimed whether anything in the set is its own
 * @param shown the status that others see
 */
record Observed(
        boolean held,
        PodRules.State rules,
        boolean wanted,
        boolean served,
        boolean listening,
        boolean exempt,
        boolean claimed,
        MeshStatus shown) {
    Observed {
        requireNonNull(rules, "rules is null");
        requireNonNull(shown, "shown is null");
    }

    /** The status that is true of a pod that should be enrolled. */
    MeshStatus status() {
        if (!held) {
            // An agent that ran before may have put rules in.
            return MeshStatus.PENDING;
        }
        if (rules == PodRules.State.ABSENT) {
            return MeshStatus.NONE;
        }
        return rules == PodRules.State.AS_WANTED && served && listening && exempt
                ? MeshStatus.ENABLED
                : MeshStatus.PENDING;
    }

    /**
     * The status that is to be shown. Of a pod that leaves, one is shown while rules are in: should all else be
     * forgotten, it says that they have to be taken out.
     */
    MeshStatus statusFor(Goal goal) {
        return switch (goal) {
            case ENROLLED -> status();
            case LEFT -> rules == PodRules.State.ABSENT ? MeshStatus.NONE : MeshStatus.PENDING;
            case GONE -> MeshStatus.NONE;
        };
    }

    /** What a member of the mesh lacks besides its rules, for people. */
    List<String> missing() {
        if (!held) {
            return List.of("the agent does not know its network namespace");
        }
        List<String> missing = new ArrayList<>();
        if (!served) {
            missing.add("ztunnel has not acknowledged the pod");
        } else if (!listening) {
            missing.add("ztunnel does not listen on its ports in the pod");
        }
        if (!exempt) {
            missing.add("the kubelet's probes are not exempt from the mesh");
        }
        return missing;
    }

    /**
     * What somebody has changed of a pod that was in the mesh as a whole, besides its rules, for people. That its
     * ztunnel has gone is nobody's doing.
     */
    List<String> changes() {
        List<String> changes = new ArrayList<>();
        if (served && !listening) {
            changes.add("ztunnel's ports are not open");
        }
        if (!exempt) {
            changes.add("the kubelet's probes are not exempt");
        }
        if (shown != MeshStatus.ENABLED) {
            changes.add("its annotation does not say that it is in the mesh");
        }
        return changes;
    }

    Observed withRules(PodRules.State state) {
        return new Observed(held, state, wanted, served, listening, exempt, claimed, shown);
    }

    Observed withZtunnel(boolean isWanted, boolean isServed, boolean isListening) {
        return new Observed(held, rules, isWanted, isServed, isListening, exempt, claimed, shown);
    }

    Observed withExemption(boolean isExempt) {
        return new Observed(held, rules, wanted, served, listening, isExempt, isExempt, shown);
    }

    Observed withShown(MeshStatus status) {
        return new Observed(held, rules, wanted, served, listening, exempt, claimed, status);
    }

    Observed released() {
        return new Observed(false, PodRules.State.ABSENT, wanted, served, false, exempt, claimed, shown);
    }
}
