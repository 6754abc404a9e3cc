// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.enrolment;

import static dev.meshcni.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.libc.FileKey;
import dev.meshcni.redirect.AmbientMetadata;
import dev.meshcni.testkit.NeedsRoot;
import dev.meshcni.testkit.Slow;
import dev.meshcni.ztunnel.testkit.FakeZtunnel;
import io.fabric8.kubernetes.api.model.Pod;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A node full of pods, on which agent and ztunnel end again and again, and which starts again itself. */
@Slow
@NeedsRoot("makes network namespaces")
@Timeout(600)
class ManyPodsTest {
    private static final int PODS = 100;
    private static final int AGENT_RESTARTS = 5;

    @TempDir
    private Path directory;

    private final List<Pod> pods = new ArrayList<>();

    /** The rules of a pod that is in the mesh are touched by none of that but the node's own start. */
    @Test
    void allPodsAreInTheMeshAfterRestartsOfAgentAndZtunnelAndNode() throws Exception {
        try (MeshFixture mesh = new MeshFixture(directory, Map.of(AmbientMetadata.MODE, "ambient"))) {
            mesh.start();
            FakeZtunnel first = mesh.ztunnel();
            eventually("ztunnel is there", () -> first.snapshots() == 1);
            startPods(mesh, first);
            awaitAll(mesh, first);
            Map<String, String> rules = new HashMap<>();
            pods.forEach(pod -> rules.put(uid(pod), mesh.netns(pod).rules()));

            first.hangUp();
            eventually("ztunnel has connected again", () -> first.snapshots() == AGENT_RESTARTS + 2);
            assertServed(mesh, first);
            FakeZtunnel second = rollOut(mesh, first);
            FakeZtunnel third = killAndReplace(mesh, second);
            restart(mesh, third, 2);

            awaitAll(mesh, third);
            eventually("none is pending", () -> mesh.node().numbers().pending() == 0);
            assertThat(mesh.node().numbers().pods()).isEqualTo(PODS);
            pods.forEach(pod -> assertThat(mesh.netns(pod).rules()).isEqualTo(rules.get(uid(pod))));

            third.close();
            mesh.reboot();
            comeBack(mesh);
        }
    }

    /** While the agent starts again five times. */
    private void startPods(MeshFixture mesh, FakeZtunnel ztunnel) throws Exception {
        int restarts = 0;
        for (int i = 0; i < PODS; i++) {
            Pod pod = mesh.create("pod-" + i, "10.77.1." + (i + 1), Map.of());
            assertThat(mesh.add(pod)).isTrue();
            pods.add(pod);
            if (i % (PODS / AGENT_RESTARTS) == PODS / AGENT_RESTARTS - 1) {
                restarts++;
                for (Pod added : pods) {
                    run(mesh, added);
                }
                restart(mesh, ztunnel, restarts + 1);
                assertServed(mesh, ztunnel);
            }
        }
    }

    /** The new one serves all before the old one ends, so that none is cut off at any time. */
    private FakeZtunnel rollOut(MeshFixture mesh, FakeZtunnel old) throws Exception {
        FakeZtunnel next = mesh.ztunnel();
        eventually("the next one has its snapshot", () -> next.snapshots() == 1);
        assertServed(mesh, old);
        assertServed(mesh, next);
        old.close();
        return next;
    }

    /** All are cut off until the next one has its first snapshot, and none any longer. */
    private FakeZtunnel killAndReplace(MeshFixture mesh, FakeZtunnel old) throws Exception {
        old.close();
        FakeZtunnel next = mesh.ztunnel();
        eventually("the next one has its snapshot", () -> next.snapshots() == 1);
        assertServed(mesh, next);
        return next;
    }

    /**
     * The node has started again: no sandbox is left, and the API server shows all pods as they were. Runtime, agent
     * and ztunnel come in the worst order.
     */
    private void comeBack(MeshFixture mesh) throws Exception {
        mesh.start();
        for (int i = 0; i < PODS; i++) {
            mesh.sandbox(pods.get(i), "10.77.2." + (PODS - i));
        }
        assertThatThrownBy(() -> mesh.add(pods.getFirst())).hasMessageContaining("no ztunnel has connected to ");
        assertThat(mesh.isRedirected(pods.getFirst())).isFalse();
        FakeZtunnel ztunnel = mesh.ztunnel();
        eventually("ztunnel is there", () -> ztunnel.snapshots() == 1);
        // One starts past the plugin, as where the runtime has started before the CNI configuration was there.
        Pod bypassed = pods.getLast();
        for (Pod pod : pods) {
            if (!uid(pod).equals(uid(bypassed))) {
                assertThat(mesh.add(pod)).isTrue();
                assertThat(mesh.isRedirected(pod) && mesh.isExempt(pod)).isTrue();
            }
            mesh.run(pod);
        }

        awaitAll(mesh, ztunnel);
        eventually("none is pending", () -> mesh.node().numbers().pending() == 0);
        assertThat(mesh.host.rules()).as("addresses of former sandboxes").doesNotContain("10.77.1.");
        assertThat(ztunnel.brokenRules()).isEmpty();
    }

    private void awaitAll(MeshFixture mesh, FakeZtunnel ztunnel) throws Exception {
        for (Pod pod : pods) {
            mesh.awaitMember("all are in the mesh", pod, ztunnel);
        }
    }

    /** A ztunnel has a proxy for each pod that has rules. */
    private void assertServed(MeshFixture mesh, FakeZtunnel ztunnel) {
        Map<String, FileKey> proxies = ztunnel.proxies();
        assertThat(pods)
                .allSatisfy(pod -> assertThat(proxies)
                        .containsEntry(uid(pod), mesh.netns(pod).key()));
        assertThat(ztunnel.brokenRules()).isEmpty();
    }

    private static void restart(MeshFixture mesh, FakeZtunnel ztunnel, int snapshots) throws Exception {
        mesh.stop();
        mesh.start();
        eventually("ztunnel has connected again", () -> ztunnel.snapshots() >= snapshots);
    }

    /** A pod that does not run yet does, once the API server shows it in the mesh. */
    private static void run(MeshFixture mesh, Pod pod) throws Exception {
        if (!mesh.runs(pod)) {
            eventually("it is shown", () -> mesh.status(pod).equals("enabled"));
            mesh.run(pod);
        }
    }

    private static String uid(Pod pod) {
        return pod.getMetadata().getUid();
    }
}
