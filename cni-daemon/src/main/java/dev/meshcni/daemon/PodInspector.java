package dev.meshcni.daemon;

import static java.util.Objects.requireNonNull;

import dev.meshcni.core.Decision;
import dev.meshcni.core.InvalidParameterException;
import dev.meshcni.core.Pod;
import dev.meshcni.core.PodPlan;
import dev.meshcni.core.RedirectException;
import dev.meshcni.core.RedirectParameters;
import dev.meshcni.core.RedirectPlan;
import dev.meshcni.core.RedirectPolicy;
import dev.meshcni.core.RuleDifference;
import dev.meshcni.core.spi.RedirectBackend;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Looks into the network namespaces of running pods, and sets up there what ADD would have. */
final class PodInspector {
    private static final RedirectPlan NOTHING = new RedirectPlan(List.of(), List.of(), Optional.empty());

    private final RedirectPolicy policy;
    private final RedirectBackend backend;
    private final PodNetnsFinder finder;

    /**
     * @param policy which pods are redirected
     * @param backend what ADD redirects with
     * @param finder where their namespaces are
     */
    PodInspector(RedirectPolicy policy, RedirectBackend backend, PodNetnsFinder finder) {
        this.policy = requireNonNull(policy, "policy is null");
        this.backend = requireNonNull(backend, "backend is null");
        this.finder = requireNonNull(finder, "finder is null");
    }

    /** Looks at some pods; each of them has a look. */
    Map<NodePod, PodLook> look(Collection<NodePod> pods) {
        Map<String, NodePod> byUid = pods.stream()
                .collect(Collectors.toMap(pod -> runtimeUid(pod.pod()), Function.identity(), (one, _) -> one));
        Map<NodePod, PodLook> looks = new HashMap<>();
        try {
            Map<String, PodNetns> found = finder.find(byUid.keySet());
            byUid.forEach((uid, pod) -> looks.put(pod, look(pod.pod(), Optional.ofNullable(found.get(uid)))));
        } catch (DaemonException e) {
            pods.forEach(pod -> looks.put(pod, new PodLook.Blind(e.getMessage())));
        }
        return looks;
    }

    /**
     * Sets the redirection of a pod up.
     *
     * @throws RedirectException if that fails; the namespace is then as it was
     */
    void mend(PodNetns netns, PodPlan plan) {
        if (!finder.isStill(netns)) {
            throw new RedirectException("the process " + netns.pid() + " of the pod has ended in the meantime");
        }
        backend.apply(netns.path(), plan.redirect());
    }

    private PodLook look(Pod pod, Optional<PodNetns> netns) {
        try {
            return switch (policy.decide(pod)) {
                case Decision.Skip skip -> new PodLook.NotMeant(skip.detail());
                case Decision.Redirect _
                when netns.isEmpty() ->
                    new PodLook.Unseen("no process of it is running in a network namespace of its own");
                case Decision.Redirect redirect -> look(redirect.parameters(), netns.get());
            };
        } catch (InvalidParameterException | RedirectException e) {
            return new PodLook.Unseen(e.getMessage());
        }
    }

    private PodLook look(RedirectParameters parameters, PodNetns netns) {
        if (!finder.isStill(netns)) {
            return new PodLook.Unseen("the process " + netns.pid() + " of the pod has ended in the meantime");
        }
        PodPlan plan = PodPlan.of(parameters, backend, netns.path(), List.of());
        List<RuleDifference> differences = backend.differences(netns.path(), plan.redirect());
        if (differences.isEmpty()) {
            return new PodLook.AsPlanned();
        }
        // What differs from nothing is there: of ours, of Istio's own tools, or of the other backend.
        return backend.differences(netns.path(), NOTHING).isEmpty()
                ? new PodLook.Absent(netns, plan)
                : new PodLook.Changed(netns, plan, differences);
    }

    /** The UID that the kubelet has given the pod on the node. */
    private static String runtimeUid(Pod pod) {
        return pod.annotations().getOrDefault(Pod.CONFIG_HASH, pod.uid());
    }
}
