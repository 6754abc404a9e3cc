// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.repair.NodeTaint;
import dev.meshcni.testkit.FakeApiServer;
import dev.meshcni.testkit.NeedsRoot;
import dev.meshcni.testkit.Slow;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.Taint;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A daemon whose DaemonSet is deleted, with a taint on its node, on a node with a real runtime. */
@Slow
@NeedsRoot("makes network namespaces")
class NodeUninstallTest {
    private static final String NODES = "/api/v1/nodes";
    private static final String NODE = NODES + "/" + FakeApiServer.NODE;
    private static final int FAILED = 1;

    private ClusterNode node;
    private String confBefore;

    @BeforeAll
    static void needs() {
        ClusterNode.needed();
    }

    @BeforeEach
    void startNode() {
        node = ClusterNode.start();
        confBefore = node.conf();
        node.createDaemonSet();
        node.api()
                .create(
                        NODES,
                        new NodeBuilder()
                                .withNewMetadata()
                                .withName(FakeApiServer.NODE)
                                .endMetadata()
                                .withNewSpec()
                                .addNewTaint()
                                .withKey(NodeTaint.KEY)
                                .withEffect("NoSchedule")
                                .endTaint()
                                .endSpec()
                                .build());
    }

    @AfterEach
    void endNode() {
        if (node != null) {
            node.close();
        }
    }

    @Test
    void withoutTheRightToChangeTheNodeAllElseIsRemovedAndTheTaintIsNamed() {
        node.api().fail(call -> call.path().startsWith(NODES) && !call.method().equals("GET"), Integer.MAX_VALUE, 403);
        node.startDaemon("--node-taint");
        assertThat(node.conf()).contains("istio-cni");

        node.deleteDaemonSet();
        node.daemon().terminate();

        assertThat(node.conf()).isEqualTo(confBefore);
        assertThat(node.containerd().pluginDirectory().resolve("istio-cni")).doesNotExist();
        assertThat(node.containerd().pluginDirectory().resolve(".mesh-cni")).doesNotExist();
        assertThat(node.daemon().logged())
                .contains(
                        "uninstallation incomplete: cannot remove taint", "kubectl taint nodes " + FakeApiServer.NODE);
        assertThat(node.daemon().exitCode()).isEqualTo(FAILED);
        assertThat(node.wayOut(node.kubelet()
                        .start(PodManifest.injected("shop", "cart-0", ""))
                        .netns()))
                .isEqualTo("world:443");
    }

    @Test
    void withTheRightNothingIsLeft() {
        node.startDaemon("--node-taint");
        node.eventually("the taint is off", () -> taints().isEmpty());

        node.deleteDaemonSet();
        node.daemon().terminate();

        assertThat(node.conf()).isEqualTo(confBefore);
        assertThat(node.daemon().logged()).doesNotContain("uninstallation incomplete");
        assertThat(node.daemon().exitCode()).isZero();
        assertThat(taints()).isEmpty();
    }

    private List<Taint> taints() {
        Node now = node.api().read(NODE, Node.class).orElseThrow();
        return now.getSpec() == null ? List.of() : now.getSpec().getTaints();
    }
}
