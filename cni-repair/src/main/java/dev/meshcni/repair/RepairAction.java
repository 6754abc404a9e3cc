// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import static java.util.Objects.requireNonNull;

import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.kubernetes.ApiFailure;
import dev.meshcni.kubernetes.KubernetesApi;
import dev.meshcni.kubernetes.NodePod;
import dev.meshcni.redirect.PodPlan;
import dev.meshcni.telemetry.AgentMetrics;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The repair action for a pod that runs without redirection, with its event and metric. */
public final class RepairAction {
    private static final Logger LOG = LoggerFactory.getLogger(RepairAction.class);
    private static final Duration BUDGET_PAUSE = Duration.ofSeconds(30);
    private static final Duration NODE_PAUSE = Duration.ofSeconds(5);
    private static final String NORMAL = "Normal";
    private static final String WARNING = "Warning";
    private static final String SUCCESS = "success";
    private static final String FAIL = "fail";
    private static final String SKIP = "skip";

    /** The next step after a repair action. */
    sealed interface Next {
        /** Nothing, as the redirection is there. */
        record Mended() implements Next {}

        /** Nothing. */
        record Settled() implements Next {}

        /** It did not work and is to be tried again, a bit later each time. */
        record Failed() implements Next {}

        /** Requeued after a delay. */
        record Later(Duration pause) implements Next {}
    }

    private static final Next MENDED = new Next.Mended();
    private static final Next SETTLED = new Next.Settled();
    private static final Next FAILED = new Next.Failed();

    private final KubernetesApi api;
    private final PodInspector inspector;
    private final RepairSettings settings;
    private final AgentMetrics metrics;
    private final RedirectingNode node;
    private final RateLimiter pacer;
    private final ControllerBackoff controllers = new ControllerBackoff(System::nanoTime);
    private final UnprovenDeletions unproven;
    private boolean waits;
    private boolean doubts;

    /**
     * @param api what deletes and labels pods
     * @param inspector what sets their redirection up
     * @param settings what is to be done
     * @param metrics where it is counted
     * @param node whether a pod that starts on this node now would be redirected
     */
    public RepairAction(
            KubernetesApi api,
            PodInspector inspector,
            RepairSettings settings,
            AgentMetrics metrics,
            RedirectingNode node) {
        this.api = requireNonNull(api, "api is null");
        this.inspector = requireNonNull(inspector, "inspector is null");
        this.settings = requireNonNull(settings, "settings is null");
        this.metrics = requireNonNull(metrics, "metrics is null");
        this.node = requireNonNull(node, "node is null");
        this.unproven = new UnprovenDeletions(node.redirections(), System::nanoTime);
        this.pacer = new RateLimiter(settings.perMinute(), System::nanoTime);
    }

    /** Deals with a pod in whose namespace it was seen that the redirection is not there. */
    Next unredirected(NodePod pod, PodNamespace namespace, PodPlan plan) {
        return switch (settings.mode()) {
            case REPAIR -> mend(pod, namespace, plan);
            case DELETE -> pod.pod().isMirror() ? leaveStatic(pod) : delete(pod);
            case LABEL -> pod.pod().isMirror() ? leaveStatic(pod) : label(pod);
            case REPORT -> report(pod);
        };
    }

    /** Sets the redirection of a running pod up. */
    Next mend(NodePod pod, PodNamespace namespace, PodPlan plan) {
        if (pod.pod().isMirror()) {
            return leaveStatic(pod);
        }
        try {
            inspector.mend(namespace, plan);
        } catch (RedirectException e) {
            LOG.warn("cannot repair redirection of pod {}: {}", pod.key(), e.getMessage());
            count(RepairSettings.Mode.REPAIR, FAIL);
            api.event(pod, WARNING, "RepairBrokenPod", "cannot set up traffic redirection: " + e.getMessage());
            return FAILED;
        }
        LOG.info("redirection of pod {} was missing or changed; repaired: {} rules", pod.key(), plan.ruleCount());
        count(RepairSettings.Mode.REPAIR, SUCCESS);
        metrics.applied(plan.ruleCount(), plan.uncovered().size());
        api.event(pod, NORMAL, "RepairBrokenPod", "traffic redirection was missing or changed and was repaired");
        return MENDED;
    }

    /** Returns whether pods without redirection are kept because their replacements would have none either. */
    boolean isSuspended() {
        return waits || doubts;
    }

    private Next delete(NodePod pod) {
        if (waitsForNode() || waitsForCall(pod)) {
            return new Next.Later(NODE_PAUSE);
        }
        Duration ofController = controllers.ask(pod.controllerKey());
        Duration wait = ofController.isPositive() ? ofController : pacer.ask();
        if (wait.isPositive()) {
            return new Next.Later(wait);
        }
        try {
            return afterRemoval(pod, settings.evict() ? api.evict(pod) : api.delete(pod));
        } catch (KubernetesClientException e) {
            return failed(pod, RepairSettings.Mode.DELETE, "DeleteBrokenPod", "deleted", e);
        }
    }

    /** The namespace of a static pod is known by what stands in annotations alone, and the API does not reach it. */
    private Next leaveStatic(NodePod pod) {
        LOG.warn(
                "pod {} runs without redirection; static pods are not repaired: change its manifest on node {} to"
                        + " restart it",
                pod.key(),
                api.nodeName());
        count(settings.mode(), SKIP);
        return SETTLED;
    }

    /** A pod that replaces another one while this node cannot redirect would be no better than that one. */
    private boolean waitsForNode() {
        Optional<String> reason = node.cannotRedirect().get();
        if (reason.isPresent() && !waits) {
            LOG.warn("repair suspended, because this node cannot redirect replacement pods: {}", reason.get());
        } else if (reason.isEmpty() && waits) {
            LOG.info("node can redirect pods again, repair resumed");
        }
        waits = reason.isPresent();
        return waits;
    }

    /** Of a plugin that is installed where no runtime looks, no replacement is better than its predecessor. */
    private boolean waitsForCall(NodePod pod) {
        Duration wait = unproven.ask();
        if (wait.isPositive() && !doubts) {
            LOG.warn(
                    "pod deletion suspended for {} s: no container runtime has called the plugin since the last {}"
                            + " deletions; check --cni-bin-target-dir and --mounted-cni-net-dir (Helm: cniBinDir,"
                            + " cniConfDir)",
                    wait.toSeconds(),
                    UnprovenDeletions.MOST);
            count(RepairSettings.Mode.DELETE, SKIP);
            api.event(
                    pod,
                    WARNING,
                    "DeleteBrokenPod",
                    "pod runs without traffic redirection and is kept for now: no container runtime has called the"
                            + " plugin on node " + api.nodeName() + " since other pods were deleted");
        } else if (wait.isZero() && doubts) {
            LOG.info("pod deletion resumed");
        }
        doubts = wait.isPositive();
        return doubts;
    }

    private Next afterRemoval(NodePod pod, KubernetesApi.Removal removal) {
        return switch (removal) {
            case DONE -> {
                unproven.happened();
                LOG.info("pod {} deleted: it ran without redirection{}", pod.key(), next(pod));
                count(RepairSettings.Mode.DELETE, SUCCESS);
                api.event(pod, WARNING, "DeleteBrokenPod", "pod ran without traffic redirection and was deleted");
                yield SETTLED;
            }
            case GONE -> SETTLED;
            case CHANGED -> FAILED;
            case BLOCKED -> {
                LOG.info(
                        "pod {} runs without redirection; its disruption budget does not currently allow an"
                                + " eviction",
                        pod.key());
                count(RepairSettings.Mode.DELETE, SKIP);
                yield new Next.Later(BUDGET_PAUSE);
            }
        };
    }

    private String next(NodePod pod) {
        return controllers
                .happened(pod.controllerKey())
                .map(pause -> "; next deletion for the same controller in at least " + pause.toSeconds() + " s")
                .orElse("");
    }

    private Next label(NodePod pod) {
        if (pod.pod().labels().containsKey(settings.labelKey())) {
            count(RepairSettings.Mode.LABEL, SKIP);
            return SETTLED;
        }
        if (waitsForNode()) {
            return new Next.Later(NODE_PAUSE);
        }
        Duration wait = pacer.ask();
        if (wait.isPositive()) {
            return new Next.Later(wait);
        }
        try {
            api.label(pod, settings.labelKey(), settings.labelValue());
        } catch (KubernetesClientException e) {
            return failed(pod, RepairSettings.Mode.LABEL, "LabelBrokenPod", "labelled", e);
        }
        LOG.info("pod {} labelled: it runs without redirection", pod.key());
        count(RepairSettings.Mode.LABEL, SUCCESS);
        api.event(pod, WARNING, "LabelBrokenPod", "pod runs without traffic redirection and was labelled");
        return SETTLED;
    }

    private Next report(NodePod pod) {
        LOG.warn("pod {} runs without redirection; no repair mode is enabled", pod.key());
        return SETTLED;
    }

    private Next failed(
            NodePod pod, RepairSettings.Mode mode, String reason, String what, KubernetesClientException failure) {
        LOG.warn(
                "pod {} runs without redirection and could not be {}: {}",
                pod.key(),
                what,
                ApiFailure.describe(failure, "permission to have the pod " + what));
        count(mode, FAIL);
        api.event(pod, WARNING, reason, "pod runs without traffic redirection and could not be " + what);
        return FAILED;
    }

    private void count(RepairSettings.Mode mode, String result) {
        metrics.repaired(mode.label(), result);
    }
}
