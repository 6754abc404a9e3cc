// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import static java.util.Objects.requireNonNull;

import dev.meshcni.config.DaemonException;
import dev.meshcni.core.Exemption;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.NamespaceHandle;
import dev.meshcni.core.spi.NamespaceId;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.core.spi.UnreadableRulesException;
import dev.meshcni.kubernetes.NodePod;
import dev.meshcni.kubernetes.PodIdentities;
import dev.meshcni.redirect.Decision;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.PodPlan;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.redirect.RedirectPolicy;
import dev.meshcni.rules.InvalidParameterException;
import dev.meshcni.rules.RuleDifference;
import dev.meshcni.rules.RuleSet;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/** Looks into the network namespaces of running pods, and sets up there what ADD would have. */
public final class PodInspector {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Set<String> excludedNamespaces;
    private final RedirectBackend backend;
    private final PodNetnsFinder finder;
    private final Function<String, Set<NamespaceId>> addedTo;

    /**
     * @param excludedNamespaces namespaces whose pods are left alone
     * @param backend what ADD redirects with
     * @param finder where their namespaces are
     * @param addedTo the namespaces in which ADD has redirected the pod of a UID; no other is touched then
     */
    public PodInspector(
            Set<String> excludedNamespaces,
            RedirectBackend backend,
            PodNetnsFinder finder,
            Function<String, Set<NamespaceId>> addedTo) {
        this.excludedNamespaces = Set.copyOf(excludedNamespaces);
        this.backend = requireNonNull(backend, "backend is null");
        this.finder = requireNonNull(finder, "finder is null");
        this.addedTo = requireNonNull(addedTo, "addedTo is null");
    }

    /**
     * Inspects some pods, and returns a result for each.
     *
     * @param pods the pods
     * @param identities which of the node's pods they are
     */
    Map<NodePod, PodInspection> look(Collection<NodePod> pods, PodIdentities identities) {
        Map<NodePod, String> uids = new HashMap<>();
        pods.forEach(pod -> identities.runtimeUid(pod.pod()).ifPresent(uid -> uids.put(pod, uid)));
        Map<NodePod, PodInspection> looks = new HashMap<>();
        try {
            Map<String, PodNetns> found = finder.find(Set.copyOf(uids.values()));
            for (NodePod pod : pods) {
                looks.put(
                        pod,
                        uids.containsKey(pod)
                                ? look(pod.pod(), Optional.ofNullable(found.get(uids.get(pod))))
                                : new PodInspection.Unseen("another pod on this node claims the same UID"));
            }
        } catch (DaemonException e) {
            pods.forEach(pod ->
                    looks.put(pod, new PodInspection.Blind("pods are not repaired in place: " + e.getMessage())));
        }
        return looks;
    }

    /**
     * Sets the redirection of a pod up.
     *
     * @throws RedirectException if that fails; the namespace is then as it was
     */
    void mend(PodNamespace namespace, PodPlan plan) {
        try (NamespaceHandle handle = open(namespace.netns())) {
            if (!handle.id().isSame(namespace.id())) {
                throw new RedirectException("process " + namespace.netns().pid() + " of the pod moved from network"
                        + " namespace " + namespace.id() + " to " + handle.id());
            }
            handle.apply(plan.redirect());
        }
    }

    private PodInspection look(Pod pod, Optional<PodNetns> netns) {
        Optional<String> excluded = Exemption.ofNamespace(pod.namespace(), excludedNamespaces);
        if (excluded.isPresent()) {
            return new PodInspection.NotMeant(excluded.get());
        }
        try {
            return switch (RedirectPolicy.decide(pod)) {
                case Decision.Skip skip -> new PodInspection.NotMeant(skip.detail());
                case Decision.Redirect _ when netns.isEmpty() -> new PodInspection.Idle();
                case Decision.Redirect redirect -> look(pod, redirect.parameters(), netns.get());
            };
        } catch (UnreadableRulesException e) {
            return new PodInspection.Unreadable(e.getMessage());
        } catch (InvalidParameterException | RedirectException e) {
            return new PodInspection.Unseen(e.getMessage());
        }
    }

    private PodInspection look(Pod pod, RedirectParameters parameters, PodNetns netns) {
        try (NamespaceHandle handle = open(netns)) {
            Set<NamespaceId> added = addedTo.apply(pod.uid());
            if (!added.isEmpty() && added.stream().noneMatch(handle.id()::isSame)) {
                return new PodInspection.Unseen("process " + netns.pid() + " of the pod is in network namespace "
                        + handle.id() + ", but the pod was redirected in " + added);
            }
            PodPlan plan = PodPlan.of(parameters, handle.addresses());
            List<RuleDifference> differences = handle.differences(plan.redirect());
            if (differences.isEmpty()) {
                return new PodInspection.AsPlanned();
            }
            PodNamespace namespace = new PodNamespace(netns, handle.id());
            return hasRules(handle, plan.redirect())
                    ? new PodInspection.Changed(namespace, plan, differences)
                    : new PodInspection.Absent(namespace, plan);
        }
    }

    /**
     * Returns whether there is anything that redirects: of ours, of Istio's own tools, or of the other backend. An
     * address or a route of the plan that was left when its rules were taken out does not.
     */
    private static boolean hasRules(NamespaceHandle handle, RedirectPlan plan) {
        List<RuleSet> none = plan.ruleSets().stream()
                .map(set -> new RuleSet(set.family(), Map.of()))
                .toList();
        RedirectPlan withoutRules = new RedirectPlan(none, plan.localAddresses(), plan.routing());
        return handle.differences(withoutRules).stream()
                .anyMatch(difference -> difference.kind() != RuleDifference.Kind.MISSING);
    }

    /** The namespace of a pod's process; a process that is still the same once it is open was so when it was opened. */
    private NamespaceHandle open(PodNetns netns) {
        NamespaceHandle handle = backend.open(netns.path(), Deadline.after(PATIENCE));
        if (!finder.isStill(netns)) {
            handle.close();
            throw new RedirectException("process " + netns.pid() + " of the pod has exited");
        }
        if (handle.isOwn()) {
            handle.close();
            throw new RedirectException("process " + netns.pid() + " of the pod is in the node's network namespace");
        }
        return handle;
    }
}
