// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The taint that keeps pods off a node that cannot redirect them. */
@InCluster
class TaintedNodeTest {
    private static final Duration SOON = Duration.ofSeconds(20);

    private final Cluster cluster;
    private final Installation installation;

    TaintedNodeTest(Cluster cluster) {
        this.cluster = cluster;
        this.installation = cluster.installation();
    }

    @AfterEach
    void untaint() {
        NodeTaints.remove(cluster);
    }

    @Test
    void isTakenOffANewNodeWhenTheDaemonIsReadyAndAlsoWhenItComesLater() {
        installation.remove();
        taint();

        installation.ensure(Installation.manifest("{nodeTaint: true}"));
        cluster.eventually("the taint of the new node is gone", SOON, () -> !isTainted());

        taint();
        cluster.eventually("the taint that came later is gone", SOON, () -> !isTainted());
        try (TestNamespace shop = TestNamespace.create(cluster, "taint")) {
            shop.start(Pods.plain("web", Pods.IDLE));
        }
    }

    @Test
    void isSetAndDeletionsWaitWhileTheNodeCannotRedirect() {
        String manifest = Installation.manifest(
                "{nodeTaint: true, repair: {deletePods: true}, env: {DRIFT_INTERVAL_SECONDS: \"2\"}}");
        installation.ensure(manifest);
        TestNamespace shop = TestNamespace.create(cluster, "suspended");
        shop.start(Pods.injected("web", Pods.IDLE));
        NodeFiles files = NodeFiles.of(cluster, manifest);
        String aside = "mkdir -p /tmp/mesh-cni-conf && mv " + files.conf() + "/* /tmp/mesh-cni-conf/";
        // Written anew where it belongs: containerd 1.6 does not see what is moved in from another directory.
        String back = "cp -p /tmp/mesh-cni-conf/* " + files.conf() + "/ && rm -r /tmp/mesh-cni-conf";
        Monitoring monitoring = Monitoring.of(cluster);
        cluster.machine().run("sh", "-c", aside);
        try {
            cluster.eventually("the taint is set", Duration.ofSeconds(60), this::isTainted);
            monitoring.awaitFiring("MeshCniNotReady");
            new PodNetwork(shop, "web").clear();
            monitoring.awaitFiring("MeshCniRepairSuspended", "MeshCniNotReady", "MeshCniPodsUnredirected");
            assertThat(shop.pods().withName("web").get())
                    .as("a pod without a place to start anew")
                    .isNotNull();
        } finally {
            cluster.machine().run("sh", "-c", back);
        }

        cluster.eventually("the taint is off", Duration.ofSeconds(60), () -> !isTainted());
        assertThat(files.configurations()).contains("istio-cni");
        cluster.eventually(
                "the pod is deleted", () -> shop.pods().withName("web").get() == null);
        monitoring.awaitEnd();
        shop.close();
        cluster.eventually(
                "the node is ready",
                () -> cluster.node().getStatus().getConditions().stream()
                        .anyMatch(condition -> condition.getType().equals("Ready")
                                && condition.getStatus().equals("True")));
    }

    private void taint() {
        NodeTaints.set(cluster);
    }

    private boolean isTainted() {
        return NodeTaints.isNotReady(cluster);
    }
}
