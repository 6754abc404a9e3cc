// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import dev.meshcni.ambient.PodRules.State;
import java.util.Optional;

/** Decides the next step, from what is wanted of a pod and what is so. Pure: the same answer for the same facts. */
final class NextStep {
    private NextStep() {}

    /** The next step; empty when all is as wanted, or nothing can be done without the pod's namespace. */
    static Optional<Step> of(Goal goal, Observed so, Order order) {
        return switch (goal) {
            case ENROLLED -> so.held() ? join(so, order) : doubt(so);
            case LEFT -> leave(so);
            case GONE -> letGo(so);
        };
    }

    private static Optional<Step> join(Observed so, Order order) {
        if (so.rules() == State.ABSENT && order == Order.RULES_FIRST) {
            return Optional.of(Step.APPLY_RULES);
        }
        if (!so.served()) {
            return Optional.of(Step.SERVE);
        }
        if (!so.listening()) {
            return Optional.of(Step.SERVE_ANEW);
        }
        // Rules that capture traffic are replaced only while somebody is there who takes it.
        if (so.rules() != State.AS_WANTED) {
            return Optional.of(Step.APPLY_RULES);
        }
        if (!so.exempt()) {
            return Optional.of(Step.EXEMPT_PROBES);
        }
        return so.shown() == so.status() ? Optional.empty() : Optional.of(Step.SHOW_STATUS);
    }

    /** Without its namespace nothing can be said of it but that. */
    private static Optional<Step> doubt(Observed so) {
        return so.shown() == MeshStatus.ENABLED ? Optional.of(Step.SHOW_STATUS) : Optional.empty();
    }

    private static Optional<Step> leave(Observed so) {
        // While rules are in, ztunnel stays: without it the pod would be cut off.
        if (so.rules() != State.ABSENT) {
            // Others stop speaking HBONE before nobody hears it any more.
            return Optional.of(so.shown() == MeshStatus.ENABLED ? Step.SHOW_STATUS : Step.REMOVE_RULES);
        }
        return letGo(so);
    }

    private static Optional<Step> letGo(Observed so) {
        if (so.wanted()) {
            return Optional.of(Step.FORGET);
        }
        if (so.claimed()) {
            return Optional.of(Step.END_EXEMPTION);
        }
        if (so.shown() != MeshStatus.NONE) {
            return Optional.of(Step.SHOW_STATUS);
        }
        return so.held() ? Optional.of(Step.RELEASE) : Optional.empty();
    }
}
