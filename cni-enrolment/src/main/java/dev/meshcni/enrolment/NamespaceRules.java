// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.enrolment;

import static java.util.Objects.requireNonNull;

import dev.meshcni.ambient.AmbientPod;
import dev.meshcni.ambient.PodRules;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.NamespaceHandle;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.libc.ListeningPorts;
import dev.meshcni.libc.SharedDescriptor;
import dev.meshcni.netns.linux.NetworkNamespace;
import dev.meshcni.redirect.AmbientOptions;
import dev.meshcni.redirect.AmbientRules;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.InvalidParameterException;
import dev.meshcni.rules.RuleDifference;
import dev.meshcni.rules.RuleSet;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The rules and listeners of ambient pods, in their network namespaces.
 *
 * @param backend writes and reads the rules
 * @param node what the node decides about them
 */
public record NamespaceRules(RedirectBackend backend, AmbientOptions.Node node) implements PodRules {
    /** In a namespace nothing waits for anything but another visitor. */
    private static final Duration TIME_TO_READ = Duration.ofSeconds(10);

    /** Where ztunnel listens in each of its pods. */
    private static final Set<Integer> PORTS =
            Set.of(AmbientRules.OUTBOUND_PORT, AmbientRules.INBOUND_PORT, AmbientRules.TUNNEL_PORT);

    public NamespaceRules {
        requireNonNull(backend, "backend is null");
        requireNonNull(node, "node is null");
    }

    @Override
    public State state(AmbientPod pod, SharedDescriptor namespace) {
        try (NamespaceHandle handle = backend.open(namespace.path(), Deadline.after(TIME_TO_READ))) {
            List<RedirectPlan> plans = plansIfReadable(pod, handle.addresses());
            if (!plans.isEmpty() && handle.differences(plans.getFirst()).isEmpty()) {
                return State.AS_WANTED;
            }
            // Most pods that are not as wanted are new ones, and each comparison reads all tables.
            if (handle.differences(RedirectPlan.NONE).isEmpty()) {
                return State.ABSENT;
            }
            List<List<RuleDifference>> differences =
                    plans.stream().map(handle::differences).toList();
            if (differences.stream().anyMatch(List::isEmpty)) {
                return State.AS_WANTED;
            }
            return differences.stream().anyMatch(NamespaceRules::onlyMissing) ? State.PARTIAL : State.DIFFERENT;
        }
    }

    @Override
    public List<String> differences(AmbientPod pod, SharedDescriptor namespace) {
        try (NamespaceHandle handle = backend.open(namespace.path(), Deadline.after(TIME_TO_READ))) {
            return plansIfReadable(pod, handle.addresses()).stream()
                    .limit(1)
                    .flatMap(plan -> handle.differences(plan).stream())
                    .map(RuleDifference::toString)
                    .toList();
        }
    }

    @Override
    public void apply(AmbientPod pod, SharedDescriptor namespace, Deadline deadline) {
        try (NamespaceHandle handle = backend.open(namespace.path(), deadline)) {
            handle.apply(plans(pod, handle.addresses()).getFirst());
        }
    }

    @Override
    public void remove(SharedDescriptor namespace, Deadline deadline) {
        try (NamespaceHandle handle = backend.open(namespace.path(), deadline)) {
            handle.remove();
        }
    }

    @Override
    public boolean isListening(AmbientPod pod, SharedDescriptor namespace) {
        return NetworkNamespace.inside(namespace.path(), ListeningPorts::read).containsAll(PORTS);
    }

    /** The number of rules that a pod gets. */
    int ruleCount(AmbientPod pod) {
        return plans(pod, List.of()).getFirst().ruleSets().stream()
                .mapToInt(RuleSet::ruleCount)
                .sum();
    }

    private static boolean onlyMissing(List<RuleDifference> differences) {
        return differences.stream().allMatch(difference -> difference.kind() == RuleDifference.Kind.MISSING);
    }

    /** None where what the pod asks for is not allowed: its rules can still be seen, and taken out. */
    private List<RedirectPlan> plansIfReadable(AmbientPod pod, List<InetAddress> there) {
        try {
            return plans(pod, there);
        } catch (InvalidParameterException e) {
            return List.of();
        }
    }

    /** The plans that are right for a pod, the one that is applied first. */
    private List<RedirectPlan> plans(AmbientPod pod, List<InetAddress> there) {
        List<InetAddress> addresses = Stream.concat(there.stream(), pod.addresses().stream())
                .distinct()
                .toList();
        return AmbientRules.acceptable(AmbientOptions.of(pod.annotations(), node), addresses);
    }
}
