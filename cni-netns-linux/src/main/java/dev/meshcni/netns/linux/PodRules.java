// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.libc.ChildProcess;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleDifference;
import dev.meshcni.rules.RuleSet;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * What all backends do alike in the namespace of the calling thread: apply all layers and the routing or none, compare.
 */
final class PodRules {
    /** The plan of a pod that is not redirected. */
    static final RedirectPlan NOTHING = new RedirectPlan(List.of(), List.of(), Optional.empty());

    /** The time for putting back what was there, when the time of the call is over. */
    private static final Duration UNDO_TIME = Duration.ofSeconds(10);

    private final Consumer<String> steps;

    /**
     * For one backend.
     *
     * @param steps is told after each single change of a namespace that it was made; tests fail there
     */
    PodRules(Consumer<String> steps) {
        this.steps = Objects.requireNonNull(steps, "steps is null");
    }

    List<RuleDifference> differences(NamespaceSockets sockets, RedirectPlan plan, List<Layer> layers) {
        List<RuleDifference> differences = new ArrayList<>();
        layers.forEach(layer -> differences.addAll(layer.differences(sockets.netfilter())));
        differences.addAll(new PodRouting(sockets.rtnetlink(), steps).differences(plan));
        return List.copyOf(differences);
    }

    /** The rules that a plan has for a family, none where it does not redirect it. */
    static RuleSet rules(RedirectPlan plan, IpFamily family) {
        return plan.ruleSet(family).orElseGet(() -> new RuleSet(family, Map.of()));
    }

    void apply(NamespaceSockets sockets, RedirectPlan plan, List<Layer> layers) {
        Undo undo = new Undo();
        try {
            layers.forEach(layer -> layer.apply(sockets.netfilter(), undo, steps));
            new PodRouting(sockets.rtnetlink(), steps).apply(plan, undo);
        } catch (RuntimeException e) {
            throw ChildProcess.within(Deadline.after(UNDO_TIME), () -> undo.after(e));
        }
    }
}
