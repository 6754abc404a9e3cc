// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.NeedsRoot;
import dev.meshcni.testkit.Slow;
import io.fabric8.kubernetes.api.model.Event;
import java.nio.file.Files;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Pods that run without their redirection, on a node with a real runtime and the whole daemon: what repair makes of
 * them.
 */
@Slow
@NeedsRoot("makes network namespaces")
class NodeRepairTest {
    private static final String REPAIRED = "istio_cni_repair_pods_repaired_total{result=\"success\",type=\"%s\"}";
    private static final String THROUGH_PROXY = "proxy:15001";
    private static final String PAST_PROXY = "world:443";

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

    @Test
    void aPodThatWasThereBeforeTheDaemonIsRedirectedWhileItRunsAndNoOtherIsTouched() {
        String before = node.conf();
        node.createDaemonSet();
        node.startDaemon();
        Kubelet.RunningPod healthy = node.kubelet().start(injected("healthy"));
        uninstall();
        assertThat(node.conf()).isEqualTo(before);
        Kubelet.RunningPod plain = node.kubelet().start(PodManifest.plain("shop", "plain", ""));
        Kubelet.RunningPod early = node.kubelet().start(injected("early"));
        assertThat(node.wayOut(early.netns())).isEqualTo(PAST_PROXY);
        assertThat(node.wayIn(early)).isEqualTo("app:8080");
        assertThat(node.wayOut(healthy.netns())).isEqualTo(THROUGH_PROXY);
        String healthyRules = countedRules(healthy);
        Map<String, String> plainState = NetworkState.of(plain.netns());

        node.createDaemonSet();
        node.startDaemon();

        awaitEvents(early, "RepairBrokenPod");
        assertThat(node.wayOut(early.netns())).isEqualTo(THROUGH_PROXY);
        assertThat(node.wayIn(early)).isEqualTo("proxy:15006");
        assertThat(node.wayOut(node.kubelet().start(injected("late")).netns())).isEqualTo(THROUGH_PROXY);
        assertThat(node.metric(REPAIRED.formatted("repair"))).isEqualTo(1);
        assertThat(countedRules(healthy)).isEqualTo(healthyRules);
        assertThat(NetworkState.of(plain.netns())).isEqualTo(plainState);
        assertThat(node.events(healthy)).isEmpty();
        assertThat(node.events(plain)).isEmpty();
    }

    @Test
    void aPodWhoseSandboxWasMadeWithoutThePluginIsRedirectedBeforeAContainerStarts() {
        Kubelet.RunningPod early = node.kubelet().run(injected("early"));
        assertThat(node.wayOut(early.netns())).isEqualTo(PAST_PROXY);

        node.startDaemon("--drift-interval-seconds=0");

        awaitEvents(early, "RepairBrokenPod");
        assertThat(node.wayOut(early.netns())).isEqualTo(THROUGH_PROXY);
    }

    @Test
    void aPodThatWasThereBeforeTheDaemonIsLabelledOrDeletedWhereThatIsTheMode() {
        Kubelet.RunningPod early = node.kubelet().start(injected("early"));

        node.startDaemon("--repair-label-pods");
        node.eventually(
                "the pod is labelled",
                () -> node.api()
                        .pod(early.namespace(), early.name())
                        .map(pod -> pod.getMetadata().getLabels())
                        .filter(labels -> "true".equals(labels.get("cni.istio.io/uninitialized")))
                        .isPresent());
        node.eventually("the label is counted", () -> node.metric(REPAIRED.formatted("label")) == 1);
        node.daemon().terminate();

        node.startDaemon("--repair-delete-pods");
        node.eventually(
                "the pod is evicted",
                () -> node.api().pod(early.namespace(), early.name()).isEmpty());
        node.eventually("the eviction is counted", () -> node.metric(REPAIRED.formatted("delete")) == 1);

        awaitEvents(early, "LabelBrokenPod", "DeleteBrokenPod");
        assertThat(NetworkState.of(early.netns()).values()).noneMatch(state -> state.contains("ISTIO"));
    }

    @Test
    void aRuleThatIsTakenOutOfARunningPodIsPutBackByTheSlowRound() {
        node.startDaemon("--drift-interval-seconds=10", "--drift-repair");
        Kubelet.RunningPod pod = node.kubelet().start(injected("cart-0"));
        Map<String, String> asSetUp = NetworkState.of(pod.netns());
        assertThat(node.wayOut(pod.netns())).isEqualTo(THROUGH_PROXY);

        pod.netns().run("iptables", "-t", "nat", "-D", "ISTIO_REDIRECT", "1");

        node.eventually("the rule is back", () -> NetworkState.of(pod.netns()).equals(asSetUp));
        assertThat(node.wayOut(pod.netns())).isEqualTo(THROUGH_PROXY);
        awaitEvents(pod, "RepairBrokenPod");
        assertThat(node.metric(REPAIRED.formatted("repair"))).isEqualTo(1);
    }

    @Test
    void aRuleThatIsTakenOutOfARunningPodIsReportedWhereItMayNotBePutBack() {
        node.startDaemon("--drift-interval-seconds=10");
        Kubelet.RunningPod pod = node.kubelet().start(injected("cart-0"));

        pod.netns().run("iptables", "-t", "nat", "-D", "ISTIO_REDIRECT", "1");

        node.eventually("the drift is counted", () -> node.metric("meshcni_drifted_pods") == 1);
        assertThat(node.daemon().logged()).contains("redirection of pod shop/cart-0 has drifted");
        assertThat(node.wayOut(pod.netns())).isEqualTo(PAST_PROXY);
    }

    @Test
    void aMisspeltAnnotationIsAWarningInTheLogAndAnEventOfThePodOnce() {
        node.startDaemon();

        Kubelet.RunningPod pod = node.kubelet()
                .start(injected("cart-0").annotated("traffic.sidecar.istio.io/excludeOutboundPort", "5432"));

        String warning = "annotation \"traffic.sidecar.istio.io/excludeOutboundPort\" has no effect, did you mean"
                + " traffic.sidecar.istio.io/excludeOutboundPorts?";
        awaitEvents(pod, "UnreadAnnotation");
        assertThat(node.events(pod).getFirst().getMessage()).isEqualTo(warning);
        assertThat(node.daemon().logged().lines().filter(line -> line.contains("pod shop/cart-0: " + warning)))
                .hasSize(1);
        assertThat(node.wayOut(pod.netns())).isEqualTo(THROUGH_PROXY);
    }

    /** Waits for the events about a pod, which are written when all else is done. */
    private void awaitEvents(Kubelet.RunningPod pod, String... reasons) {
        node.eventually("events about pod " + pod.name(), () -> node.events(pod).size() >= reasons.length);
        assertThat(node.events(pod)).extracting(Event::getReason).containsExactly(reasons);
    }

    /**
     * Ends the daemon as it ends when its DaemonSet is deleted, and waits until the runtime calls the plugin no more.
     */
    private void uninstall() {
        node.deleteDaemonSet();
        node.daemon().terminate();
        assertThat(Files.exists(node.containerd().pluginDirectory().resolve("istio-cni")))
                .isFalse();
        node.eventually(
                "the runtime has loaded the configuration without the plugin",
                () -> !node.containerd().cri().networks().toString().contains("istio-cni"));
    }

    /** The redirection with its packet counters, which a rule that is set anew would lose. */
    private static String countedRules(Kubelet.RunningPod pod) {
        return pod.netns()
                .run("iptables-save", "--counters", "--table", "nat")
                .lines()
                .filter(line -> line.contains("ISTIO"))
                .reduce("", (all, line) -> all + line + "\n");
    }

    private static PodManifest injected(String name) {
        return PodManifest.injected("shop", name, "");
    }
}
