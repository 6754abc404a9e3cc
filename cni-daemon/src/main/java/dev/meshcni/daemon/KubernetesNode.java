// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static java.util.Objects.requireNonNull;

import dev.meshcni.config.DaemonException;
import dev.meshcni.core.Attachments;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.kubernetes.KubernetesApi;
import dev.meshcni.kubernetes.KubernetesOptions;
import dev.meshcni.kubernetes.KubernetesPodSource;
import dev.meshcni.kubernetes.NodePodReader;
import dev.meshcni.redirect.Pod;
import dev.meshcni.repair.NodeTaint;
import dev.meshcni.repair.PodInspector;
import dev.meshcni.repair.ProcPodNetnsFinder;
import dev.meshcni.repair.RedirectingNode;
import dev.meshcni.repair.RepairAction;
import dev.meshcni.repair.RepairController;
import dev.meshcni.repair.RepairOptions;
import dev.meshcni.repair.RepairSettings;
import dev.meshcni.telemetry.AgentMetrics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The daemon's part in a cluster besides answering the plugin: it watches the node's pods and repairs them. */
final class KubernetesNode implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(KubernetesNode.class);

    /** The most events that wait for the API server: what pods say must not take the agent's memory. */
    private static final int MOST_EVENTS = 64;

    private static final Duration IDLE = Duration.ofSeconds(10);

    private final KubernetesApi api;
    private final KubernetesPodSource pods;
    private final Optional<RepairSettings> repair;
    private final boolean taintWanted;
    private final ExecutorService events = new ThreadPoolExecutor(
            0,
            1,
            IDLE.toSeconds(),
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(MOST_EVENTS),
            Thread.ofVirtual().name("events").factory(),
            new ThreadPoolExecutor.DiscardPolicy());
    private volatile boolean missedPods;
    private volatile Optional<RepairController> controller = Optional.empty();
    private volatile Optional<NodeTaint> taint = Optional.empty();

    private KubernetesNode(
            KubernetesApi api, KubernetesPodSource pods, Optional<RepairSettings> repair, boolean taintWanted) {
        this.api = api;
        this.pods = pods;
        this.repair = repair;
        this.taintWanted = taintWanted;
    }

    /**
     * Starts to watch the node's pods.
     *
     * @param labels labels of pods that are kept beside those that repair and redirection ask for
     * @throws DaemonException if an option cannot be understood
     */
    static KubernetesNode connect(KubernetesOptions kubernetes, RepairOptions repair, Set<String> labels) {
        Optional<RepairSettings> settings = repair.enabled() ? Optional.of(repair.settings()) : Optional.empty();
        KubernetesApi api = KubernetesApi.open(kubernetes.settings());
        NodePodReader reader = settings.map(set -> new NodePodReader(set.selection(), set.labelKey()))
                .orElseGet(() -> new NodePodReader(_ -> false, ""));
        return new KubernetesNode(
                api, KubernetesPodSource.start(api, reader.keeping(labels)), settings, kubernetes.nodeTaint());
    }

    KubernetesApi api() {
        return api;
    }

    KubernetesPodSource pods() {
        return pods;
    }

    /**
     * Starts what needs the agent.
     *
     * @param excludedNamespaces namespaces whose pods are left alone
     * @param backend what they are redirected with
     * @param attachments what agents of this node have redirected
     * @param metrics what counts
     * @param situation what the node's taint depends on
     * @param cannotRedirect why a pod that starts now would not be redirected; empty if it would
     */
    void start(
            Set<String> excludedNamespaces,
            RedirectBackend backend,
            Attachments attachments,
            AgentMetrics metrics,
            NodeTaint.Situation situation,
            Supplier<Optional<String>> cannotRedirect) {
        requireNonNull(metrics, "metrics is null");
        pods.listen(new ProxySkew(metrics));
        PodInspector inspector =
                new PodInspector(excludedNamespaces, backend, ProcPodNetnsFinder.ofHost(), attachments::namespacesOf);
        controller = repair.map(settings -> RepairController.start(
                pods,
                inspector,
                new RepairAction(
                        api, inspector, settings, metrics, new RedirectingNode(cannotRedirect, attachments::added)),
                settings,
                attachments::redirected,
                metrics));
        if (missedPods) {
            pluginWasMissing();
        }
        LOG.info(
                "repair mode: {}",
                repair.map(settings -> settings.mode().label()).orElse("disabled"));
        taint = taintWanted ? Optional.of(NodeTaint.start(api, situation)) : Optional.empty();
    }

    /** The rights that this needs. */
    List<RequiredRight> rights() {
        List<RequiredRight> rights = new ArrayList<>(RequiredRight.ofPods());
        repair.map(RequiredRight::ofRepair).ifPresent(rights::addAll);
        if (taintWanted) {
            rights.addAll(RequiredRight.ofTaint());
        }
        return rights;
    }

    /**
     * Says something about a pod where {@code kubectl describe} shows it, soon and without a wait; nothing is said
     * where repair is disabled, as the daemon then has no permission for events, or while many others wait.
     */
    void event(Pod pod, String reason, String message) {
        if (repair.isPresent()) {
            pods.pod(pod.qualifiedName())
                    .filter(shown -> shown.pod().uid().equals(pod.uid()))
                    .ifPresent(shown -> events.execute(() -> api.event(shown, "Warning", reason, message)));
        }
    }

    /** The plugin was missing from the configuration until now, which repair has to make up for once it has started. */
    void pluginWasMissing() {
        missedPods = true;
        controller.ifPresent(RepairController::pluginWasMissing);
    }

    /** The last step of an uninstallation: the taint leaves the node. */
    Optional<String> untaint(Duration patience) {
        return taint.flatMap(own -> own.remove(patience));
    }

    @Override
    public void close() {
        taint.ifPresent(NodeTaint::close);
        controller.ifPresent(RepairController::close);
        events.shutdownNow();
        pods.close();
        api.close();
    }
}
