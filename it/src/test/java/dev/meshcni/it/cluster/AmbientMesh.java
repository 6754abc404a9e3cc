// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import static java.util.Objects.requireNonNull;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/** Istio's control plane and its ztunnel, installed by manifests that the caller names. */
final class AmbientMesh implements AutoCloseable {
    /** The label of a namespace or pod that is to be in the mesh, and its value. */
    static final String MODE = "istio.io/dataplane-mode";

    static final String AMBIENT = "ambient";

    /** Settings of mesh-cni, as a YAML flow mapping. */
    static final String SETTINGS = "{ambient: {enabled: true}}";

    private static final String REDIRECTION = "ambient.istio.io/redirection";
    private static final Map<String, String> ZTUNNEL = Map.of("app", "ztunnel");
    private static final String NAMESPACE = "--namespace=" + Installation.NAMESPACE;
    private static final String DAEMON_SET = "daemonset/ztunnel";
    private static final Pattern SPACE = Pattern.compile("\\s+");

    private final Cluster cluster;
    private final ForeignManifests manifests;

    private AmbientMesh(Cluster cluster, ForeignManifests manifests) {
        this.cluster = requireNonNull(cluster, "cluster is null");
        this.manifests = requireNonNull(manifests, "manifests is null");
    }

    /**
     * Installs it behind mesh-cni in ambient mode, in the order of docs/install.md; skips the test without manifests.
     */
    static AmbientMesh install(Cluster cluster) {
        ForeignManifests manifests = ForeignManifests.named(Setting.MESHCNI_ISTIO_AMBIENT_MANIFESTS);
        AmbientMesh mesh = new AmbientMesh(cluster, manifests);
        cluster.installation().ensure(Installation.manifest(SETTINGS));
        manifests.applyAndAwait();
        return mesh;
    }

    /** What the annotation of a pod says of it: {@code enabled}, {@code pending}, or nothing. */
    static Optional<String> redirection(Pod pod) {
        return Optional.ofNullable(pod.getMetadata().getAnnotations()).map(annotations -> annotations.get(REDIRECTION));
    }

    /** Waits until pods are in the mesh. */
    void awaitMember(TestNamespace namespace, String... pods) {
        for (String pod : pods) {
            cluster.eventually(
                    "pod " + pod + " is in the mesh",
                    () -> redirection(namespace.pods().withName(pod).require())
                            .filter("enabled"::equals)
                            .isPresent());
        }
    }

    /** Waits until pods are out of the mesh. */
    void awaitNoMember(TestNamespace namespace, String... pods) {
        for (String pod : pods) {
            cluster.eventually(
                    "pod " + pod + " is not in the mesh",
                    () -> redirection(namespace.pods().withName(pod).require()).isEmpty());
        }
    }

    /**
     * How many connections of a pod ztunnel has carried to an address by HBONE so far, with the identities of both
     * sides; their service accounts have the pods' names.
     */
    long tunnels(TestNamespace namespace, String client, String server, String address) {
        String identity = "spiffe://cluster.local/ns/" + namespace.name() + "/sa/";
        String port = (address.contains(":") ? "[" + address + "]" : address) + ":15008";
        return connections(words -> words.contains("direction=\"outbound\"")
                && words.contains("src.identity=\"" + identity + client + "\"")
                && words.contains("dst.identity=\"" + identity + server + "\"")
                && words.contains("dst.addr=" + port));
    }

    /** The logs of all ztunnels. */
    String log() {
        return String.join("\n", ztunnels().stream().map(this::logOf).toList());
    }

    /** Replaces ztunnel as an upgrade does: the next one is ready before the old one ends. */
    void rollOut() {
        Cluster.kubectl("", "rollout", "restart", NAMESPACE, DAEMON_SET);
        awaitReady();
        cluster.eventually("one ztunnel is left", () -> ztunnels().size() == 1);
    }

    void awaitReady() {
        Cluster.kubectl("", "rollout", "status", NAMESPACE, DAEMON_SET, "--timeout=90s");
    }

    /** Kills ztunnel's process; the kubelet starts it again. */
    void kill() {
        String container = ztunnels()
                .getFirst()
                .getStatus()
                .getContainerStatuses()
                .getFirst()
                .getContainerID();
        cluster.machine()
                .containerd("tasks", "kill", "--signal", "SIGKILL", container.replaceFirst("^containerd://", ""));
    }

    /** Takes ztunnel off the node. */
    void takeAway() {
        select("{\"mesh-cni-test\": \"elsewhere\"}");
        cluster.eventually("no ztunnel is left", () -> ztunnels().isEmpty());
    }

    void bringBack() {
        select("{\"mesh-cni-test\": null}");
        cluster.eventually("a ztunnel is there", () -> !ztunnels().isEmpty());
        awaitReady();
    }

    @Override
    public void close() {
        manifests.close();
        cluster.eventually("no ztunnel is left", () -> ztunnels().isEmpty());
    }

    private void select(String labels) {
        Cluster.kubectl(
                "",
                "patch",
                NAMESPACE,
                DAEMON_SET,
                "--patch={\"spec\": {\"template\": {\"spec\": {\"nodeSelector\": " + labels + "}}}}");
    }

    private long connections(Predicate<List<String>> wanted) {
        return log().lines()
                .filter(line -> line.contains("connection complete"))
                .map(line -> List.of(SPACE.split(line)))
                .filter(wanted)
                .count();
    }

    private List<Pod> ztunnels() {
        return cluster.client()
                .pods()
                .inNamespace(Installation.NAMESPACE)
                .withLabels(ZTUNNEL)
                .list()
                .getItems();
    }

    private String logOf(Pod ztunnel) {
        try {
            return cluster.client().pods().resource(ztunnel).getLog();
        } catch (KubernetesClientException e) {
            return "(no log: " + e.getMessage() + ")";
        }
    }
}
