// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.FakeApiServer;
import dev.meshcni.testkit.NeedsRoot;
import dev.meshcni.testkit.Slow;
import io.fabric8.kubernetes.api.model.OwnerReferenceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Two tenants share a node. Whatever one of them writes into the fields of pods that the daemon reads, nothing changes
 * in the namespaces of the other's pods, nor is one of these labelled, deleted, or spoken about.
 */
@Tag("hostile")
@Timeout(300)
@Slow
@NeedsRoot("makes network namespaces")
class TwoTenantsTest {
    private static final int PODS = 120;
    private static final List<String> ANNOTATIONS = List.of(
            "kubernetes.io/config.hash",
            "kubernetes.io/config.mirror",
            "kubernetes.io/config.source",
            "sidecar.istio.io/status",
            "sidecar.istio.io/inject",
            "sidecar.istio.io/interceptionMode",
            "traffic.sidecar.istio.io/includeOutboundIPRanges",
            "traffic.sidecar.istio.io/excludeOutboundIPRanges",
            "traffic.sidecar.istio.io/includeInboundPorts",
            "traffic.sidecar.istio.io/excludeInboundPorts",
            "traffic.sidecar.istio.io/excludeInterfaces",
            "istio.io/reroute-virtual-interfaces",
            "ambient.istio.io/redirection");

    private ClusterNode node;

    @BeforeAll
    static void needs() {
        ClusterNode.needed();
    }

    @BeforeEach
    void startNode() {
        node = ClusterNode.start();
    }

    @AfterEach
    void endNode() {
        if (node != null) {
            node.close();
        }
    }

    @ParameterizedTest
    @CsvSource({"1, --repair-repair-pods", "2, --repair-delete-pods", "3, --repair-label-pods"})
    void noFieldOfOneTenantsPodsChangesWhatHappensToTheOthers(long seed, String mode) {
        node.startDaemon("--drift-interval-seconds=10", "--drift-repair", mode);
        Kubelet.RunningPod plain = node.kubelet().start(PodManifest.plain("victims", "plain", ""));
        Kubelet.RunningPod mesh = node.kubelet().start(PodManifest.injected("victims", "mesh", ""));
        Kubelet.RunningPod marker = node.kubelet().start(PodManifest.injected("attackers", "marker", ""));
        Map<String, String> ofPlain = NetworkState.of(plain.netns());
        Map<String, String> ofMesh = NetworkState.of(mesh.netns());
        Map<String, String> ofMarker = NetworkState.of(marker.netns());
        Random random = new Random(seed);
        List<String> values = values(plain, mesh);
        Kubelet.RunningPod running = node.kubelet()
                .start(PodManifest.injected("attackers", "running", "")
                        .annotated("kubernetes.io/config.hash", plain.uid())
                        .annotated("kubernetes.io/config.mirror", plain.uid()));
        for (int i = 0; i < PODS; i++) {
            node.api().create(hostile("attacker" + i, random, values));
        }

        for (int round = 0; round < 2; round++) {
            node.api()
                    .update(
                            running.namespace(),
                            running.name(),
                            pod -> pod.edit()
                                    .editMetadata()
                                    .addToAnnotations(annotations(random, values))
                                    .endMetadata()
                                    .build());
            // The slow round has been at every pod once this one's rule is back for the second time.
            marker.netns().run("iptables", "-t", "nat", "-D", "ISTIO_REDIRECT", "1");
            node.eventually(
                    "the slow round has passed",
                    () -> NetworkState.of(marker.netns()).equals(ofMarker));
        }

        assertThat(NetworkState.of(plain.netns())).isEqualTo(ofPlain);
        assertThat(NetworkState.of(mesh.netns())).isEqualTo(ofMesh);
        assertThat(node.wayOut(mesh.netns())).isEqualTo("proxy:15001");
        assertThat(node.wayOut(plain.netns())).isEqualTo("world:443");
        assertThat(node.api().calls())
                .filteredOn(call -> !call.method().equals("GET"))
                .extracting(FakeApiServer.Call::path)
                .noneMatch(path -> path.contains("/namespaces/victims/"));
        Kubelet.RunningPod late = node.kubelet().start(PodManifest.injected("victims", "late", ""));
        assertThat(node.wayOut(late.netns())).isEqualTo("proxy:15001");
    }

    /**
     * What a field may hold: what names the other tenant's pods, what the kubelet would write, and what nobody would.
     */
    private static List<String> values(Kubelet.RunningPod plain, Kubelet.RunningPod mesh) {
        List<String> values = new ArrayList<>(List.of(
                "", "*", "{}", "true", "false", "REDIRECT", "TPROXY", "NONE", "0.0.0.0/0", "1,2,3", "lo", "file"));
        for (Kubelet.RunningPod victim : List.of(plain, mesh)) {
            values.add(victim.uid());
            values.add(victim.uid().replace("-", ""));
            values.add(victim.uid().replace('-', '_'));
            values.add(victim.name());
            values.add(victim.namespace() + "/" + victim.name());
            values.add(victim.sandboxId());
            values.add(victim.netns().path().toString());
            values.add(victim.address());
        }
        values.add("0123456789abcdef0123456789abcdef");
        values.add("../../victims/plain\n\u001b[2J");
        return values;
    }

    private static Pod hostile(String name, Random random, List<String> values) {
        String container = pick(random, List.of("istio-validation", "istio-init", "istio-proxy", pick(random, values)));
        return new PodBuilder()
                .withNewMetadata()
                .withNamespace("attackers")
                .withName(name)
                .withLabels(Map.of("sidecar.istio.io/inject", pick(random, values), "app", pick(random, values)))
                .withAnnotations(annotations(random, values))
                .withOwnerReferences(new OwnerReferenceBuilder()
                        .withApiVersion("v1")
                        .withKind(pick(random, List.of("Node", "ReplicaSet")))
                        .withName(pick(random, values))
                        .withUid(pick(random, values))
                        .withController(random.nextBoolean())
                        .build())
                .endMetadata()
                .withNewSpec()
                .withNodeName(FakeApiServer.NODE)
                .withHostNetwork(random.nextInt(4) == 0)
                .addNewContainer()
                .withName("istio-proxy")
                .withArgs("proxy", pick(random, List.of("sidecar", "router", pick(random, values))))
                .addNewEnv()
                .withName(pick(
                        random, List.of("ISTIO_DUAL_STACK", "ISTIO_META_DNS_CAPTURE", "DISABLE_ENVOY", "INVALID_DROP")))
                .withValue(pick(random, values))
                .endEnv()
                .endContainer()
                .endSpec()
                .withNewStatus()
                .withPhase(pick(random, List.of("Pending", "Running", "Succeeded", "Failed")))
                .withPodIP(pick(random, values))
                .addNewInitContainerStatus()
                .withName(container)
                .withContainerID("containerd://" + pick(random, values))
                .withNewLastState()
                .withNewTerminated()
                .withExitCode(pick(random, List.of(0, 1, 126)))
                .withMessage(pick(random, values))
                .endTerminated()
                .endLastState()
                .endInitContainerStatus()
                .endStatus()
                .build();
    }

    private static Map<String, String> annotations(Random random, List<String> values) {
        Map<String, String> annotations = new HashMap<>(Map.of("sidecar.istio.io/status", "{}"));
        ANNOTATIONS.stream()
                .filter(_ -> random.nextBoolean())
                .forEach(name -> annotations.put(name, pick(random, values)));
        if (random.nextBoolean()) {
            annotations.put("kubernetes.io/config.mirror", annotations.getOrDefault("kubernetes.io/config.hash", ""));
        }
        return annotations;
    }

    private static <T> T pick(Random random, List<T> from) {
        return from.get(random.nextInt(from.size()));
    }
}
