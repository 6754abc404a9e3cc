// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import static java.util.Objects.requireNonNull;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** mesh-cni in the cluster: its manifests, its daemon and what that has made of the node. */
final class Installation {
    static final String NAMESPACE = "istio-system";
    static final String DAEMON_SET = "istio-cni-node";

    private static final Map<String, String> LABEL = Map.of("k8s-app", DAEMON_SET);
    private static final int HEALTH = 8000;
    private static final int METRICS = 15014;

    private final Cluster cluster;
    private String applied = "";

    Installation(Cluster cluster) {
        this.cluster = requireNonNull(cluster, "cluster is null");
    }

    /**
     * The manifests that {@code meshcni manifest} prints. The readiness probe is asked more often than it is shipped,
     * so that tests do not wait for it.
     *
     * @param cni settings of {@code values.cni}, as a YAML flow mapping
     */
    static String manifest(String cni) {
        List<String> line = Setting.MESHCNI_PLATFORM
                .value()
                .map(platform -> List.of("manifest", "-f", "-", "--platform", platform))
                .orElse(List.of("manifest", "-f", "-"));
        return Cluster.meshcni(line.toArray(String[]::new))
                .input("""
                        apiVersion: install.istio.io/v1alpha1
                        kind: IstioOperator
                        spec:
                          components:
                            cni:
                              enabled: true
                              k8s:
                                readinessProbe: {httpGet: {path: /readyz, port: %d}, periodSeconds: 1}
                          values:
                            cni: %s
                        """.formatted(HEALTH, cni))
                .run();
    }

    /** Makes the cluster have just these manifests, and waits until their daemon is ready. */
    void ensure(String yaml) {
        applyUnlessApplied(yaml);
        awaitReady();
    }

    void applyUnlessApplied(String yaml) {
        if (!yaml.equals(applied)) {
            apply(yaml);
        }
    }

    void apply(String yaml) {
        createNamespace();
        applied = yaml;
        Cluster.kubectl(yaml, "apply", "--filename=-");
    }

    void awaitReady() {
        try {
            Cluster.kubectl(
                    "", "rollout", "status", "--namespace=" + NAMESPACE, "daemonset/" + DAEMON_SET, "--timeout=90s");
        } catch (IllegalStateException e) {
            throw new AssertionError("the daemon does not become ready: " + e.getMessage() + "\n" + log(), e);
        }
        cluster.eventually("one daemon is left", () -> daemons().size() == 1);
    }

    /** Deletes what was applied, or what an interrupted run has left, and waits until the daemon has ended. */
    void remove() {
        if (applied.isEmpty()) {
            applied = manifest("{}");
        }
        Cluster.kubectl(applied, "delete", "--filename=-", "--ignore-not-found");
        cluster.eventually("no daemon is left", () -> daemons().isEmpty());
        applied = "";
    }

    /** The same, with the daemon gone before its permissions: so it can say of pods that they have left the mesh. */
    void removeDaemonFirst() {
        Cluster.kubectl("", "delete", "daemonset/" + DAEMON_SET, "--namespace=" + NAMESPACE);
        cluster.eventually("no daemon is left", () -> daemons().isEmpty());
        remove();
    }

    /** Removes what an interrupted run has left, its plugin included where the daemon that would do so is gone. */
    void removeLeftOver() {
        remove();
        String manifest = manifest("{}");
        if (NodeFiles.of(cluster, manifest).configurations().contains("istio-cni")) {
            ensure(manifest);
            remove();
        }
    }

    /** The daemon's pods, the newest first: two during an update. */
    List<Pod> daemons() {
        return cluster.client().pods().inNamespace(NAMESPACE).withLabels(LABEL).list().getItems().stream()
                .sorted(Comparator.comparing((Pod pod) -> pod.getMetadata().getCreationTimestamp())
                        .reversed())
                .toList();
    }

    Pod daemon() {
        return daemons().getFirst();
    }

    /** The log of the daemon, as far as there is one. */
    String log() {
        try {
            return daemons().stream()
                    .findFirst()
                    .map(pod -> cluster.client().pods().resource(pod).getLog())
                    .orElse("(no daemon)");
        } catch (KubernetesClientException e) {
            return "(no log: " + e.getMessage() + ")";
        }
    }

    /** The value of a metric of the daemon, its samples added up; empty while it has none. */
    Optional<Double> metric(String name) {
        List<Double> samples = metricsOf(daemon()).stream()
                .flatMap(String::lines)
                .filter(line -> line.startsWith(name + " ") || line.startsWith(name + "{"))
                .map(line -> Double.valueOf(line.substring(line.lastIndexOf(' ') + 1)))
                .toList();
        return samples.isEmpty()
                ? Optional.empty()
                : Optional.of(samples.stream().mapToDouble(Double::doubleValue).sum());
    }

    boolean isMetric(String name, double value) {
        return metric(name).filter(now -> now == value).isPresent();
    }

    /** What each daemon serves as metrics, by the name of its pod; nothing for one that does not answer. */
    Map<String, Optional<String>> scrape() {
        return daemons().stream()
                .collect(Collectors.toMap(pod -> pod.getMetadata().getName(), this::metricsOf));
    }

    /** Kills the daemon's process; the kubelet starts it again. */
    void kill() {
        String container =
                daemon().getStatus().getContainerStatuses().getFirst().getContainerID();
        cluster.machine()
                .containerd("tasks", "kill", "--signal", "SIGKILL", container.replaceFirst("^containerd://", ""));
    }

    /** Replaces the daemon's pod, as an eviction would; returns before the new one is ready. */
    void restart() {
        cluster.eventually("a daemon is there", () -> !daemons().isEmpty());
        String old = daemon().getMetadata().getName();
        cluster.client().pods().inNamespace(NAMESPACE).withName(old).delete();
        cluster.eventually(
                "another daemon runs",
                () -> daemons().size() == 1 && !daemon().getMetadata().getName().equals(old) && isRunning());
    }

    int restarts() {
        return daemon().getStatus().getContainerStatuses().getFirst().getRestartCount();
    }

    boolean isRunning() {
        return daemon().getStatus().getContainerStatuses().stream()
                .anyMatch(container -> container.getState().getRunning() != null);
    }

    /** The image of a manifest's daemon. */
    static String image(String yaml) {
        return daemonSet(yaml)
                .getSpec()
                .getTemplate()
                .getSpec()
                .getContainers()
                .getFirst()
                .getImage();
    }

    /** The node's directory that a volume of the manifest is. */
    static String hostPath(String yaml, String volume) {
        return daemonSet(yaml).getSpec().getTemplate().getSpec().getVolumes().stream()
                .filter(one -> one.getName().equals(volume))
                .map(one -> one.getHostPath().getPath())
                .findFirst()
                .orElseThrow();
    }

    private static DaemonSet daemonSet(String yaml) {
        return resources(yaml).stream()
                .filter(DaemonSet.class::isInstance)
                .map(DaemonSet.class::cast)
                .findFirst()
                .orElseThrow();
    }

    static List<HasMetadata> resources(String yaml) {
        Object read = new KubernetesSerialization().unmarshal(yaml);
        return ((Collection<?>) read).stream().map(HasMetadata.class::cast).toList();
    }

    private Optional<String> metricsOf(Pod daemon) {
        try {
            return Optional.ofNullable(cluster.client()
                    .raw("/api/v1/namespaces/" + NAMESPACE + "/pods/"
                            + daemon.getMetadata().getName() + ":" + METRICS + "/proxy/metrics"));
        } catch (KubernetesClientException e) {
            return Optional.empty();
        }
    }

    void createNamespace() {
        if (cluster.client().namespaces().withName(NAMESPACE).get() == null) {
            cluster.client()
                    .resource(new NamespaceBuilder()
                            .withNewMetadata()
                            .withName(NAMESPACE)
                            .endMetadata()
                            .build())
                    .create();
        }
        TestNamespace.existing(cluster, NAMESPACE);
    }
}
