// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.enrolment;

import static dev.meshcni.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

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

/** A node full of pods, on which agent and ztunnel end again and again. */
@Slow
@NeedsRoot("makes network namespaces")
@Timeout(300)
class ManyPodsTest {
    private static final int PODS = 100;
    private static final int AGENT_RESTARTS = 5;
    private static final int ZTUNNEL_RESTARTS = 3;

    @TempDir
    private Path directory;

    /** The rules of a pod that is in the mesh are touched by none of that. */
    @Test
    void allPodsAreInTheMeshAfterRestartsOfAgentAndZtunnel() throws Exception {
        try (MeshFixture mesh = new MeshFixture(directory, Map.of(AmbientMetadata.MODE, "ambient"))) {
            mesh.start();
            FakeZtunnel ztunnel = mesh.ztunnel();
            eventually("ztunnel is there", () -> ztunnel.snapshots() == 1);
            List<Pod> pods = new ArrayList<>();
            int restarts = 0;
            for (int i = 0; i < PODS; i++) {
                Pod pod = mesh.create("pod-" + i, "10.77.1." + (i + 1), Map.of());
                assertThat(mesh.add(pod)).isTrue();
                pods.add(pod);
                if (i % (PODS / AGENT_RESTARTS) == PODS / AGENT_RESTARTS - 1) {
                    restarts++;
                    run(mesh, pods);
                    restart(mesh, ztunnel, restarts + 1);
                }
            }
            eventually("all are in the mesh", () -> pods.stream().allMatch(pod -> mesh.isMember(pod, ztunnel)));
            Map<String, String> rules = new HashMap<>();
            pods.forEach(pod -> rules.put(uid(pod), mesh.netns(pod).rules()));

            for (int i = 0; i < ZTUNNEL_RESTARTS; i++) {
                int before = ztunnel.snapshots();
                ztunnel.hangUp();
                eventually("ztunnel has connected again", () -> ztunnel.snapshots() > before);
            }
            restart(mesh, ztunnel, ztunnel.snapshots() + 1);

            eventually("all are in the mesh", () -> pods.stream().allMatch(pod -> mesh.isMember(pod, ztunnel)));
            eventually("none is pending", () -> mesh.node().numbers().pending() == 0);
            assertThat(mesh.node().numbers().pods()).isEqualTo(PODS);
            pods.forEach(pod -> assertThat(mesh.netns(pod).rules()).isEqualTo(rules.get(uid(pod))));
            assertThat(ztunnel.brokenRules()).isEmpty();
        }
    }

    private static void restart(MeshFixture mesh, FakeZtunnel ztunnel, int snapshots) throws Exception {
        mesh.stop();
        mesh.start();
        eventually("ztunnel has connected again", () -> ztunnel.snapshots() >= snapshots);
    }

    /** All that do not run yet do, once the API server shows them in the mesh. */
    private static void run(MeshFixture mesh, List<Pod> pods) throws Exception {
        for (Pod pod : pods) {
            if (!mesh.runs(pod)) {
                eventually("it is shown", () -> mesh.status(pod).equals("enabled"));
                mesh.run(pod);
            }
        }
    }

    private static String uid(Pod pod) {
        return pod.getMetadata().getUid();
    }
}
