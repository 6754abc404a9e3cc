// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import dev.meshcni.api.conf.Finding;
import dev.meshcni.config.ProductVersion;
import dev.meshcni.kubernetes.ProxyVersion;
import dev.meshcni.manifest.ManifestInput;
import dev.meshcni.manifest.NodeManifests;
import dev.meshcni.telemetry.AgentStatus;
import dev.meshcni.testkit.FakeApiServer;
import dev.meshcni.testkit.TestPods;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.GenericKubernetesResourceBuilder;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.ServiceAccountBuilder;
import io.fabric8.kubernetes.api.model.VolumeBuilder;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.MutatingWebhookConfigurationBuilder;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.mockwebserver.http.MockResponse;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * A cluster on a fake API server: two nodes, a control plane, our DaemonSet as {@code meshcni manifest} prints it, its
 * pods, and an injected pod. All is as it should be, until a test changes it before {@link #create}.
 */
final class TestCluster {
    static final String ISTIO = "istio-system";
    static final List<String> NODES = List.of("node-a", "node-b");
    static final ProxyVersion COMPATIBLE = ProxyVersion.COMPATIBLE;

    private static final int ALWAYS = Integer.MAX_VALUE;
    private static final String PODS = "/api/v1/namespaces/%s/pods";

    private final FakeApiServer server;
    private UnaryOperator<Node> nodeChange = UnaryOperator.identity();
    private UnaryOperator<DaemonSet> daemonSetChange = UnaryOperator.identity();
    private UnaryOperator<Pod> agentChange = UnaryOperator.identity();
    private UnaryOperator<Pod> webChange = UnaryOperator.identity();
    private Optional<AgentStatus> status = Optional.of(status(Optional.empty(), true, List.of()));
    private String injectorValues = "{\"pilot\":{\"cni\":{\"enabled\":true}}}";
    private String istiodTag = COMPATIBLE + ".2";
    private boolean installed = true;

    TestCluster(FakeApiServer server) {
        this.server = server;
    }

    /** Changes the node {@code node-b}. */
    TestCluster nodeB(UnaryOperator<Node> change) {
        nodeChange = change;
        return this;
    }

    TestCluster daemonSet(UnaryOperator<DaemonSet> change) {
        daemonSetChange = change;
        return this;
    }

    /** Changes the daemon's pod on {@code node-b}. */
    TestCluster agentB(UnaryOperator<Pod> change) {
        agentChange = change;
        return this;
    }

    /** Changes the injected pod, {@code shop/web} on {@code node-b}. */
    TestCluster web(UnaryOperator<Pod> change) {
        webChange = change;
        return this;
    }

    /** What the daemon of {@code node-b} says; nothing, if the test answers itself. */
    TestCluster agentSays(Optional<AgentStatus> answer) {
        status = answer;
        return this;
    }

    TestCluster injectorValues(String json) {
        injectorValues = json;
        return this;
    }

    TestCluster istiod(String tag) {
        istiodTag = tag;
        return this;
    }

    TestCluster notInstalled() {
        installed = false;
        return this;
    }

    static AgentStatus status(Optional<String> notReady, boolean chained, List<Finding> findings) {
        return new AgentStatus(
                ProductVersion.text(),
                notReady,
                "iptables-nft 1.8.9",
                3,
                Optional.of(new AgentStatus.Installation(
                        "calico",
                        chained ? "calico" : "multus",
                        "10-calico.conflist",
                        chained,
                        "/host/etc/cni/net.d",
                        "/opt/cni/bin")),
                findings);
    }

    void create() {
        server.answer(call -> call.path().equals("/version"), ALWAYS, _ -> json("""
                {"major": "1", "minor": "33", "gitVersion": "v1.33.1"}"""));
        create("/api/v1/nodes", node("node-a"));
        create("/api/v1/nodes", nodeChange.apply(node("node-b")));
        for (String namespace : List.of("default", TestPods.NAMESPACE, ISTIO)) {
            namespace(namespace);
        }
        if (installed) {
            install();
        }
        create(PODS.formatted(ISTIO), istiod());
        create(
                "/api/v1/namespaces/" + ISTIO + "/configmaps",
                new ConfigMapBuilder()
                        .withNewMetadata()
                        .withNamespace(ISTIO)
                        .withName("istio-sidecar-injector")
                        .endMetadata()
                        .addToData("values", injectorValues)
                        .build());
        create(
                "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
                new MutatingWebhookConfigurationBuilder()
                        .withNewMetadata()
                        .withName("istio-sidecar-injector")
                        .addToLabels("app", "sidecar-injector")
                        .endMetadata()
                        .build());
        create(PODS.formatted(TestPods.NAMESPACE), webChange.apply(web()));
    }

    /** Makes a namespace with its ServiceAccount. */
    void namespace(String name) {
        create(
                "/api/v1/namespaces",
                new NamespaceBuilder()
                        .withNewMetadata()
                        .withName(name)
                        .addToLabels(name.equals(TestPods.NAMESPACE) ? Map.of("istio-injection", "enabled") : Map.of())
                        .endMetadata()
                        .build());
        create(
                "/api/v1/namespaces/" + name + "/serviceaccounts",
                new ServiceAccountBuilder()
                        .withNewMetadata()
                        .withNamespace(name)
                        .withName("default")
                        .endMetadata()
                        .build());
    }

    void network(String namespace) {
        create(
                "/apis/k8s.cni.cncf.io/v1/namespaces/" + namespace + "/network-attachment-definitions",
                new GenericKubernetesResourceBuilder()
                        .withApiVersion("k8s.cni.cncf.io/v1")
                        .withKind("NetworkAttachmentDefinition")
                        .withNewMetadata()
                        .withNamespace(namespace)
                        .withName("istio-cni")
                        .endMetadata()
                        .build());
    }

    void create(String path, HasMetadata resource) {
        server.create(path, resource);
    }

    /** The DaemonSet, all of it rolled out. */
    static DaemonSet daemonSet() {
        ManifestInput input = new ManifestInput(
                List.of(new ManifestInput.Document("values.yaml", "cni: {hub: registry.example/mesh}")),
                List.of(),
                Optional.empty(),
                Optional.of(ISTIO));
        DaemonSet printed = NodeManifests.of(input).resources().stream()
                .filter(DaemonSet.class::isInstance)
                .map(DaemonSet.class::cast)
                .findFirst()
                .orElseThrow();
        return printed.edit()
                .withNewStatus()
                .withDesiredNumberScheduled(NODES.size())
                .withNumberReady(NODES.size())
                .withUpdatedNumberScheduled(NODES.size())
                .endStatus()
                .build();
    }

    static MockResponse json(String body) {
        return new MockResponse()
                .setResponseCode(200)
                .setHeader("Content-Type", "application/json")
                .setBody(body);
    }

    private void install() {
        DaemonSet set = daemonSetChange.apply(daemonSet());
        create("/apis/apps/v1/namespaces/" + set.getMetadata().getNamespace() + "/daemonsets", set);
        NODES.forEach(node ->
                create(PODS.formatted(ISTIO), node.equals("node-b") ? agentChange.apply(agent(node)) : agent(node)));
        answer("node-a", status(Optional.empty(), true, List.of()));
        status.ifPresent(found -> answer("node-b", found));
    }

    private void answer(String node, AgentStatus found) {
        server.answer(
                call -> call.path().endsWith("/istio-cni-" + node + ":8000/proxy/status"),
                ALWAYS,
                _ -> json(found.json()));
    }

    private static Node node(String name) {
        return new NodeBuilder()
                .withNewMetadata()
                .withName(name)
                .addToLabels("kubernetes.io/os", "linux")
                .addToLabels("kubernetes.io/arch", "amd64")
                .endMetadata()
                .withNewSpec()
                .endSpec()
                .withNewStatus()
                .withNewNodeInfo()
                .withOperatingSystem("linux")
                .withContainerRuntimeVersion("containerd://1.7.27")
                .endNodeInfo()
                .addNewCondition()
                .withType("Ready")
                .withStatus("True")
                .withReason("KubeletReady")
                .endCondition()
                .endStatus()
                .build();
    }

    private static Pod agent(String node) {
        return new PodBuilder()
                .withNewMetadata()
                .withNamespace(ISTIO)
                .withName("istio-cni-" + node)
                .addToLabels("k8s-app", "istio-cni-node")
                .endMetadata()
                .withSpec(daemonSet().getSpec().getTemplate().getSpec())
                .editSpec()
                .withNodeName(node)
                .endSpec()
                .withNewStatus()
                .withPhase("Running")
                .addNewCondition()
                .withType("Ready")
                .withStatus("True")
                .endCondition()
                .endStatus()
                .build();
    }

    private Pod istiod() {
        return new PodBuilder()
                .withNewMetadata()
                .withNamespace(ISTIO)
                .withName("istiod-1")
                .addToLabels("app", "istiod")
                .addToLabels("istio.io/rev", "default")
                .endMetadata()
                .withNewSpec()
                .withNodeName("node-a")
                .withServiceAccountName("istiod")
                .addNewContainer()
                .withName("discovery")
                .withImage("registry.example/istio/pilot:" + istiodTag)
                .endContainer()
                .endSpec()
                .build();
    }

    private static Pod web() {
        return TestPods.started(TestPods.injected("web"))
                .edit()
                .editSpec()
                .withNodeName("node-b")
                .withServiceAccountName("default")
                .addToVolumes(new VolumeBuilder()
                        .withName("kube-api-access")
                        .withNewProjected()
                        .addNewSource()
                        .withNewServiceAccountToken("", 3607L, "token")
                        .endSource()
                        .endProjected()
                        .build())
                .endSpec()
                .build();
    }
}
