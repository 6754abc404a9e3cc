// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.enrolment;

import static dev.meshcni.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.ambient.EnablementSelector;
import dev.meshcni.ambient.EnrolmentPolicy;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.kubernetes.KubernetesApi;
import dev.meshcni.kubernetes.KubernetesPodSource;
import dev.meshcni.kubernetes.KubernetesSettings;
import dev.meshcni.kubernetes.NodePodReader;
import dev.meshcni.netns.linux.NftBackend;
import dev.meshcni.redirect.AmbientMetadata;
import dev.meshcni.redirect.AmbientOptions;
import dev.meshcni.repair.PodNetns;
import dev.meshcni.repair.PodNetnsFinder;
import dev.meshcni.testkit.FakeApiServer;
import dev.meshcni.ztunnel.testkit.FakeZtunnel;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodIP;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** A node in ambient mode with real network namespaces, a host of its own, an API server, and a ztunnel that speaks. */
final class MeshFixture implements AutoCloseable {
    static final String NAMESPACE = "shop";

    private static final Duration INTERVAL = Duration.ofMillis(500);
    private static final String NAMESPACES = "/api/v1/namespaces";

    final FakeApiServer server;
    final TestPodNetns host;

    private final RedirectBackend backend;
    private final Path directory;
    private final Map<String, TestPodNetns> namespaces = new ConcurrentHashMap<>();
    private final List<FakeZtunnel> ztunnels = new ArrayList<>();
    private final AtomicInteger inspections = new AtomicInteger();
    private Optional<KubernetesApi> api = Optional.empty();
    private Optional<KubernetesPodSource> pods = Optional.empty();
    private Optional<AmbientNode> node = Optional.empty();

    MeshFixture(Path directory, Map<String, String> namespaceLabels) throws IOException {
        this(directory, namespaceLabels, TestPodNetns.host(), new NftBackend());
    }

    /** @param host closed with this */
    MeshFixture(Path directory, Map<String, String> namespaceLabels, TestPodNetns host, RedirectBackend backend)
            throws IOException {
        this.directory = directory;
        this.host = host;
        this.backend = backend;
        this.server = new FakeApiServer();
        String _ = backend.detect();
        server.create(
                NAMESPACES,
                new NamespaceBuilder()
                        .withNewMetadata()
                        .withName(NAMESPACE)
                        .withLabels(namespaceLabels)
                        .endMetadata()
                        .build());
    }

    /** Starts the agent, or the next one after {@link #stop}. */
    void start() throws Exception {
        KubernetesApi opened = KubernetesApi.open(new KubernetesSettings(
                FakeApiServer.NODE, Optional.of(server.kubeconfig(directory)), Duration.ofSeconds(2)));
        api = Optional.of(opened);
        KubernetesPodSource source = KubernetesPodSource.start(opened, new NodePodReader(_ -> false, ""));
        pods = Optional.of(source);
        EnrolmentSettings settings = new EnrolmentSettings(
                new EnrolmentPolicy(Set.of("kube-system"), EnablementSelector.DEFAULT, "istio-system"),
                AmbientOptions.Node.STANDARD,
                socket(),
                INTERVAL);
        node = Optional.of(AmbientNode.start(settings, opened, source, backend, finder(), host.path()));
        eventually("the agent is ready", () -> node().notReady().isEmpty());
    }

    void stop() {
        node.ifPresent(AmbientNode::close);
        node = Optional.empty();
        pods.ifPresent(KubernetesPodSource::close);
        api.ifPresent(KubernetesApi::close);
    }

    AmbientNode node() {
        return node.orElseThrow();
    }

    FakeZtunnel ztunnel() {
        FakeZtunnel ztunnel = FakeZtunnel.proper(socket());
        ztunnels.add(ztunnel);
        return ztunnel;
    }

    Path socket() {
        return directory.resolve("ztunnel.sock");
    }

    /** A pod that is scheduled to this node; its sandbox has a namespace with an address, no container has started. */
    Pod create(String name, String address, Map<String, String> labels) {
        return create(name, TestPodNetns.withListeners(address), labels);
    }

    /** The same with a namespace that is there. */
    Pod create(String name, TestPodNetns netns, Map<String, String> labels) {
        Pod pod = server.create(new PodBuilder()
                .withNewMetadata()
                .withNamespace(NAMESPACE)
                .withName(name)
                .withLabels(labels)
                .endMetadata()
                .withNewSpec()
                .withNodeName(FakeApiServer.NODE)
                .withServiceAccountName(name)
                .addNewContainer()
                .withName("app")
                .endContainer()
                .endSpec()
                .build());
        namespaces.put(pod.getMetadata().getUid(), netns);
        return pod;
    }

    /** The pod gets another sandbox. */
    void renew(Pod pod, String address) {
        netns(pod).close();
        namespaces.put(pod.getMetadata().getUid(), TestPodNetns.withListeners(address));
    }

    /** How often all processes of the node were inspected for the namespaces of pods. */
    int inspections() {
        return inspections.get();
    }

    /**
     * The node starts again: agent, sandboxes and what the host had of them are gone, while the API server still shows
     * the pods as they were.
     */
    void reboot() {
        stop();
        namespaces.values().forEach(TestPodNetns::close);
        namespaces.clear();
        host.exec("nft", "flush", "ruleset");
    }

    /** The pod's sandbox after the node has started again. */
    void sandbox(Pod pod, String address) {
        namespaces.put(pod.getMetadata().getUid(), TestPodNetns.withListeners(address));
    }

    /** Waits until all pods have been looked at so often. */
    void awaitRounds(int rounds) throws InterruptedException {
        Thread.sleep(INTERVAL.multipliedBy(rounds + 1L));
    }

    /** The pod runs. */
    void run(Pod pod) {
        List<PodIP> addresses = netns(pod).addresses().stream().map(PodIP::new).toList();
        server.update(
                NAMESPACE,
                pod.getMetadata().getName(),
                found -> found.edit()
                        .withNewStatus()
                        .withPhase("Running")
                        .withPodIP(addresses.getFirst().getIp())
                        .withPodIPs(addresses)
                        .addNewContainerStatus()
                        .withName("app")
                        .withContainerID("containerd://1")
                        .endContainerStatus()
                        .endStatus()
                        .build());
    }

    boolean runs(Pod pod) {
        return server.pod(NAMESPACE, pod.getMetadata().getName())
                .filter(found -> found.getStatus() != null
                        && "Running".equals(found.getStatus().getPhase()))
                .isPresent();
    }

    TestPodNetns netns(Pod pod) {
        return namespaces.get(pod.getMetadata().getUid());
    }

    /** ADD of a pod, as the plugin's verbs do it; whether it joins the mesh. */
    boolean add(Pod pod) {
        return add(pod, pod(pod));
    }

    /** ADD of a pod of which the agent has found what is given. */
    boolean add(Pod pod, dev.meshcni.redirect.Pod found) {
        Deadline deadline = Deadline.after(Duration.ofSeconds(20));
        if (!node().mesh().wants(found, deadline)) {
            return false;
        }
        int rules = node().mesh()
                .add(
                        found,
                        netns(pod).addresses().stream()
                                .map(InetAddress::ofLiteral)
                                .toList(),
                        netns(pod).path(),
                        deadline);
        assertThat(rules).isPositive();
        return true;
    }

    /** The pod as the agent knows it. */
    dev.meshcni.redirect.Pod pod(Pod pod) {
        return pods.orElseThrow()
                .find(NAMESPACE, pod.getMetadata().getName(), pod.getMetadata().getUid(), Duration.ofSeconds(5))
                .orElseThrow();
    }

    boolean delete(Pod pod) {
        return node().mesh()
                .delete(
                        NAMESPACE,
                        pod.getMetadata().getName(),
                        pod.getMetadata().getUid(),
                        netns(pod).path(),
                        Deadline.after(Duration.ofSeconds(10)))
                .isPresent();
    }

    void label(Map<String, String> labels) {
        server.replace(
                NAMESPACES + "/" + NAMESPACE,
                new NamespaceBuilder()
                        .withNewMetadata()
                        .withName(NAMESPACE)
                        .withLabels(labels)
                        .endMetadata()
                        .build());
    }

    /** The status that the API server shows of a pod. */
    String status(Pod pod) {
        return server.pod(NAMESPACE, pod.getMetadata().getName())
                .map(found -> found.getMetadata().getAnnotations())
                .map(annotations -> annotations.getOrDefault(AmbientMetadata.REDIRECTION, ""))
                .orElse("");
    }

    boolean isRedirected(Pod pod) {
        return netns(pod).rules().contains("15001");
    }

    /** Whether the kubelet's probes to a pod are exempt. */
    boolean isExempt(Pod pod) {
        String rules = host.rules();
        return rules.contains(netns(pod).addresses().getFirst())
                && rules.contains(pod.getMetadata().getUid());
    }

    /** Whether the pod is in the mesh as a whole. */
    boolean isMember(Pod pod, FakeZtunnel ztunnel) {
        return lacks(pod, ztunnel).isEmpty();
    }

    /** Waits until a pod is in the mesh as a whole; should it not come, what it lacks is said. */
    void awaitMember(String what, Pod pod, FakeZtunnel ztunnel) throws Exception {
        try {
            eventually(what, () -> isMember(pod, ztunnel));
        } catch (AssertionError e) {
            throw new AssertionError(
                    e.getMessage() + "; it lacks " + lacks(pod, ztunnel) + ", " + node().findings() + ", ztunnel heard "
                            + ztunnel.log() + ", the API server " + server.calls(),
                    e);
        }
    }

    /** What a pod lacks to be in the mesh as a whole. */
    List<String> lacks(Pod pod, FakeZtunnel ztunnel) {
        List<String> lacks = new ArrayList<>();
        if (!netns(pod).key().equals(ztunnel.proxies().get(pod.getMetadata().getUid()))) {
            lacks.add("a proxy, ztunnel has " + ztunnel.proxies());
        }
        if (!isRedirected(pod)) {
            lacks.add("rules");
        }
        if (!isExempt(pod)) {
            lacks.add("an exemption in " + host.rules());
        }
        if (!status(pod).equals("enabled")) {
            lacks.add("the status enabled, it is '" + status(pod) + "'");
        }
        return lacks;
    }

    /** Whether nothing of the mesh is left of the pod. */
    boolean isOutside(Pod pod, FakeZtunnel ztunnel) {
        return !ztunnel.proxies().containsKey(pod.getMetadata().getUid())
                && !isRedirected(pod)
                && !isExempt(pod)
                && status(pod).isEmpty();
    }

    @Override
    public void close() throws IOException {
        stop();
        ztunnels.forEach(FakeZtunnel::close);
        namespaces.values().forEach(TestPodNetns::close);
        host.close();
        server.close();
    }

    /** Finds namespaces by what the test knows instead of by processes. */
    private PodNetnsFinder finder() {
        return new PodNetnsFinder() {
            @Override
            public Map<String, PodNetns> find(Set<String> podUids) {
                inspections.incrementAndGet();
                Map<String, PodNetns> found = new HashMap<>();
                podUids.stream()
                        .filter(namespaces::containsKey)
                        .forEach(uid ->
                                found.put(uid, new PodNetns(namespaces.get(uid).path(), 1, 1)));
                return found;
            }

            @Override
            public boolean isStill(PodNetns netns) {
                return true;
            }
        };
    }
}
