// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import dev.meshcni.redirect.Decision;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.RedirectPolicy;
import java.util.Optional;

/**
 * What is decided about the pod of one call, which is asked for when the pod is looked up and again when it is there.
 */
final class Decisions {
    private record Decided(Pod pod, Decision decision) {}

    private volatile Optional<Decided> last = Optional.empty();

    /**
     * Decides about a pod.
     *
     * @throws dev.meshcni.rules.InvalidParameterException if it asks for what is not allowed
     */
    Decision about(Pod pod) {
        Optional<Decided> known = last;
        if (known.isPresent() && known.get().pod().equals(pod)) {
            return known.get().decision();
        }
        Decision decision = RedirectPolicy.decide(pod);
        last = Optional.of(new Decided(pod, decision));
        return decision;
    }
}
