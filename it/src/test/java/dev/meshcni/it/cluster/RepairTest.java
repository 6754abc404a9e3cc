// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.apps.ReplicaSetBuilder;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Pods that have started without redirection, and pods that have lost it. */
@InCluster
class RepairTest {
    private static final Map<String, String> EARLY = Map.of("app", "early");

    private final Cluster cluster;
    private final Installation installation;

    private TestNamespace shop;
    private Peer peer;

    RepairTest(Cluster cluster) {
        this.cluster = cluster;
        this.installation = cluster.installation();
    }

    @BeforeEach
    void start() {
        shop = TestNamespace.create(cluster, "repair");
        peer = Peer.start(shop);
    }

    @AfterEach
    void end() {
        if (shop != null) {
            shop.close();
        }
    }

    @Test
    void aPodThatWasThereBeforeIsRedirectedInPlace() {
        installation.remove();
        shop.start(Pods.injected("early", Pods.IDLE));
        assertThat(peer.answerTo("early")).isEqualTo(Pods.WORLD);

        installation.ensure(Installation.manifest("{}"));

        cluster.eventually("the pod is redirected", () -> peer.answerTo("early").equals(Pods.PROXY));
        cluster.eventually(
                "its event is there",
                () -> shop.eventsOf("early").stream().anyMatch(event -> event.startsWith("RepairBrokenPod")));
        cluster.eventually("no pod is counted", () -> installation.isMetric("meshcni_unredirected_pods", 0));
    }

    @Test
    void aPodThatWasThereBeforeIsLabelledAndCountedAsLongAsItBypassesItsProxy() {
        installation.remove();
        shop.start(Pods.injected("early", Pods.IDLE));

        installation.ensure(Installation.manifest("{repair: {labelPods: true}}"));

        shop.awaitLabel("early", "cni.istio.io/uninitialized");
        cluster.eventually("it is counted as drifted", () -> installation.isMetric("meshcni_drifted_pods", 1));
        assertThat(installation.metric("meshcni_unredirected_pods")).contains(1.0);
        assertThat(peer.answerTo("early")).isEqualTo(Pods.WORLD);
        Monitoring monitoring = Monitoring.of(cluster);
        monitoring.awaitFiring("MeshCniPodsUnredirected");
        shop.pods().withName("early").delete();
        cluster.eventually("it is counted no longer", () -> installation.isMetric("meshcni_drifted_pods", 0));
        monitoring.awaitEnd();
    }

    @Test
    void aPodThatWasThereBeforeIsReplacedOnceByOneThatIsRedirected() {
        installation.remove();
        Pod template = Pods.injected("early", EARLY, Pods.IDLE);
        shop.create(new ReplicaSetBuilder()
                .withNewMetadata()
                .withName("early")
                .endMetadata()
                .withNewSpec()
                .withReplicas(1)
                .withNewSelector()
                .withMatchLabels(EARLY)
                .endSelector()
                .withTemplate(new PodTemplateSpec(template.getMetadata(), template.getSpec()))
                .endSpec()
                .build());
        cluster.eventually("the first pod is there", () -> early().size() == 1);
        String first = early().getFirst();
        shop.awaitRunning(first);
        assertThat(peer.answerTo(first)).isEqualTo(Pods.WORLD);

        installation.ensure(Installation.manifest("{repair: {deletePods: true}}"));

        cluster.eventually("the pod is replaced", () -> !early().contains(first) && early().size() == 1);
        String second = early().getFirst();
        shop.awaitRunning(second);
        assertThat(peer.answerTo(second)).isEqualTo(Pods.PROXY);
        cluster.eventually("no pod is counted", () -> installation.isMetric("meshcni_drifted_pods", 0));
        assertThat(early()).containsExactly(second);
    }

    @Test
    void rulesThatAreTakenOutAreCountedAndPutBackIfThatIsEnabled() {
        installation.ensure(Installation.manifest("{env: {DRIFT_INTERVAL_SECONDS: \"2\"}}"));
        shop.start(Pods.injected("web", Pods.IDLE));
        assertThat(peer.answerTo("web")).isEqualTo(Pods.PROXY);
        assertThat(installation.metric("meshcni_drifted_pods")).contains(0.0);

        PodNetwork network = new PodNetwork(shop, "web");
        for (String family : List.of("iptables", "ip6tables")) {
            network.run(family, "-t", "nat", "-F", "OUTPUT");
        }

        assertThat(peer.answerTo("web")).isEqualTo(Pods.WORLD);
        cluster.eventually("it is counted", () -> installation.isMetric("meshcni_drifted_pods", 1));
        assertThat(installation.log()).contains(shop.name() + "/web");
        Monitoring monitoring = Monitoring.of(cluster);
        monitoring.awaitFiring("MeshCniDrift");

        installation.ensure(Installation.manifest("{env: {DRIFT_INTERVAL_SECONDS: \"2\", DRIFT_REPAIR: \"true\"}}"));

        cluster.eventually("the rules are back", () -> peer.answerTo("web").equals(Pods.PROXY));
        cluster.eventually("it is counted no longer", () -> installation.isMetric("meshcni_drifted_pods", 0));
        monitoring.awaitEnd();
    }

    private List<String> early() {
        return shop.pods().withLabels(EARLY).list().getItems().stream()
                .filter(pod -> pod.getMetadata().getDeletionTimestamp() == null)
                .map(pod -> pod.getMetadata().getName())
                .toList();
    }
}
