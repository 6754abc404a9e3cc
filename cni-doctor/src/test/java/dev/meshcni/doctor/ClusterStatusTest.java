// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import static dev.meshcni.doctor.TestCluster.ISTIO;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.meshcni.config.DaemonException;
import dev.meshcni.doctor.ClusterStatus.Daemon;
import dev.meshcni.doctor.ClusterStatus.NodeState;
import dev.meshcni.doctor.ClusterStatus.Rollout;
import dev.meshcni.telemetry.AgentStatus;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What {@code meshcni status} knows of a cluster. */
class ClusterStatusTest extends ClusterDoctorFixture {
    @Test
    void aClusterInWhichAllIsReady() throws Exception {
        cluster.create();

        ClusterStatus status = read();

        assertThat(status.isReady()).isTrue();
        assertThat(status.daemonSet()).hasValue(new Rollout(ISTIO + "/istio-cni-node", 2, 2, 2));
        assertThat(status.nodes()).extracting(NodeState::name).containsExactly("node-a", "node-b");
        assertThat(status.nodes()).extracting(NodeState::daemon).containsOnly(new Daemon.Ready());
        assertThat(status.nodes()).extracting(NodeState::meshPods).containsExactly(0, 1);
        assertThat(status.nodes().getFirst().agent().orElseThrow().backend()).isEqualTo("iptables-nft 1.8.9");
        assertThat(status.problems()).isEmpty();
    }

    @Test
    void aDaemonThatIsNotReadySaysWhy() throws Exception {
        cluster.agentSays(Optional.of(TestCluster.status(Optional.of("no pods seen yet"), true, List.of())));
        cluster.create();

        ClusterStatus status = read();

        assertThat(status.isReady()).isFalse();
        assertThat(status.nodes().getLast().daemon()).isEqualTo(new Daemon.NotReady("no pods seen yet"));
    }

    @Test
    void aRolloutThatIsUnderWayIsNotReady() throws Exception {
        cluster.daemonSet(set -> set.edit()
                .editStatus()
                .withUpdatedNumberScheduled(1)
                .endStatus()
                .build());
        cluster.create();

        assertThat(read().isReady()).isFalse();
    }

    @Test
    void aDaemonThatDoesNotRunIsUnknown() throws Exception {
        cluster.agentB(
                pod -> pod.edit().editStatus().withPhase("Pending").endStatus().build());
        cluster.create();

        ClusterStatus status = read();

        assertThat(status.nodes().getLast().daemon()).isEqualTo(new Daemon.Unknown("its pod is Pending"));
        assertThat(status.nodes().getLast().agent()).isEmpty();
        assertThat(status.isReady()).isFalse();
    }

    /** While a node is updated it has two pods, and the one that answers would hide the other. */
    @Test
    void aSuccessorThatDoesNotStartIsSaid() throws Exception {
        cluster.agentB(pod -> pod.edit()
                .editSpec()
                .withNodeName("node-a")
                .endSpec()
                .editStatus()
                .withPhase("Pending")
                .addNewContainerStatus()
                .withNewState()
                .withNewWaiting("no such image", "ErrImagePull")
                .endState()
                .endContainerStatus()
                .endStatus()
                .build());
        cluster.create();

        NodeState node = read().nodes().getFirst();

        assertThat(node.daemon()).isEqualTo(new Daemon.Ready());
        assertThat(node.successor()).hasValue("ErrImagePull: no such image");
    }

    /** The kubelet has just started it again. */
    @Test
    void aSuccessorThatHasEndedBeforeIsSaidWhileItRuns() throws Exception {
        cluster.agentB(pod -> pod.edit()
                .editSpec()
                .withNodeName("node-a")
                .endSpec()
                .editStatus()
                .addNewContainerStatus()
                .withReady(false)
                .withNewLastState()
                .withNewTerminated()
                .withExitCode(1)
                .withReason("Error")
                .withMessage("install-cni: invalid label selector")
                .endTerminated()
                .endLastState()
                .endContainerStatus()
                .endStatus()
                .build());
        cluster.agentSays(Optional.empty());
        cluster.create();
        server.fail(call -> call.path().contains("/istio-cni-node-b:8000/"), ALWAYS, 503);

        NodeState node = read().nodes().getFirst();

        assertThat(node.daemon()).isEqualTo(new Daemon.Ready());
        assertThat(node.successor()).hasValue("exit code 1 (Error), install-cni: invalid label selector");
    }

    @Test
    void beforeAnInstallationThereIsNoDaemonSet() throws Exception {
        cluster.notInstalled().create();

        ClusterStatus status = read();

        assertThat(status.daemonSet()).isEmpty();
        assertThat(status.nodes()).extracting(NodeState::daemon).containsOnly(new Daemon.Absent());
        assertThat(status.isReady()).isFalse();
    }

    @Test
    void whatMayNotBeReadIsSaid() throws Exception {
        cluster.create();
        server.fail(call -> call.path().startsWith("/api/v1/nodes"), ALWAYS, 403);

        ClusterStatus status = read();

        assertThat(status.problems()).containsExactly("nodes: your account lacks list on nodes (403)");
        assertThat(status.nodes()).extracting(NodeState::name).containsExactly("node-a", "node-b");
        assertThat(status.isReady()).isFalse();
    }

    @Test
    void anApiServerThatIsAwayIsAnError() throws Exception {
        server.close();

        assertThatExceptionOfType(DaemonException.class)
                .isThrownBy(this::read)
                .withMessageContaining("cannot connect to the API server");
    }

    @Test
    void anOlderDaemonThatKnowsLessIsStillShown() throws Exception {
        cluster.agentSays(Optional.of(AgentStatus.parse("{\"version\":\"0.0.9\"}")));
        cluster.create();

        assertThat(read().nodes().getLast().agent().orElseThrow().version()).isEqualTo("0.0.9");
    }

    private ClusterStatus read() throws Exception {
        return ClusterStatus.read(doctor.settings("test", Optional.empty()));
    }
}
