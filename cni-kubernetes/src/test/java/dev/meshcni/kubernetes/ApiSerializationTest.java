// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonParser;
import dev.meshcni.testkit.FakeApiServer;
import dev.meshcni.testkit.TestPods;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.apps.DaemonSetBuilder;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.net.InetAddress;
import org.junit.jupiter.api.Test;

/** Compared with fabric8's own reader, which knows all fields of all resources. */
class ApiSerializationTest {
    private static final KubernetesSerialization ALL_FIELDS = new KubernetesSerialization();
    private static final KubernetesSerialization OURS = ApiSerialization.create();

    @Test
    void nothingThatIsKeptOfAPodIsPassedOver() throws IOException {
        String json = ALL_FIELDS.asJson(podWithAll());
        NodePodReader reader = new NodePodReader(
                PodSelection.parse(
                        "sidecar.istio.io/status",
                        "app=web",
                        "metadata.name=web,metadata.namespace=shop,spec.nodeName=" + FakeApiServer.NODE
                                + ",spec.restartPolicy=Always,spec.schedulerName=default-scheduler,"
                                + "spec.serviceAccountName=web,status.phase=Pending"),
                "app");

        NodePod read = reader.read(OURS.unmarshal(json, Pod.class));

        assertThat(read).isEqualTo(reader.read(ALL_FIELDS.unmarshal(json, Pod.class)));
        assertThat(reader.read(streamed(json, reader))).as("read as a stream").isEqualTo(read);
        assertThat(read.selected()).isTrue();
        assertThat(read.started()).isTrue();
        assertThat(read.crashes()).hasSize(1);
        assertThat(read.pod().staticUid()).isEqualTo(TestPods.STATIC_UID);
        assertThat(read.controller()).isEqualTo("uid-of-the-node");
        assertThat(read.pod().serviceAccount()).isEqualTo("web");
        assertThat(read.addresses())
                .containsExactly(InetAddress.ofLiteral("10.1.0.5"), InetAddress.ofLiteral("fd00::5"));
    }

    @Test
    void aPodOnItsWayOutIsKnownForOne() {
        Pod going = podWithAll()
                .edit()
                .editMetadata()
                .withDeletionTimestamp("2026-01-01T00:00:00Z")
                .endMetadata()
                .build();

        Pod read = OURS.unmarshal(ALL_FIELDS.asJson(going), Pod.class);

        assertThat(new NodePodReader(_ -> true, "").read(read).stage()).isEqualTo(NodePod.Stage.TERMINATING);
    }

    @Test
    void theNodesThatADaemonSetMeansAreRead() {
        DaemonSet written = new DaemonSetBuilder()
                .withNewMetadata()
                .withName("istio-cni-node")
                .withDeletionTimestamp("2026-01-01T00:00:00Z")
                .endMetadata()
                .withNewSpec()
                .withNewTemplate()
                .withNewSpec()
                .addToNodeSelector("pool", "mesh")
                .withNewAffinity()
                .withNewNodeAffinity()
                .withNewRequiredDuringSchedulingIgnoredDuringExecution()
                .addNewNodeSelectorTerm()
                .addNewMatchExpression()
                .withKey("zone")
                .withOperator("In")
                .withValues("a")
                .endMatchExpression()
                .endNodeSelectorTerm()
                .endRequiredDuringSchedulingIgnoredDuringExecution()
                .endNodeAffinity()
                .endAffinity()
                .endSpec()
                .endTemplate()
                .endSpec()
                .build();

        DaemonSet read = OURS.unmarshal(ALL_FIELDS.asJson(written), DaemonSet.class);

        assertThat(NodeSelection.of(read)).isEqualTo(NodeSelection.of(written));
        assertThat(NodeSelection.of(read).includesAllNodes()).isFalse();
        assertThat(read.getMetadata().getDeletionTimestamp()).isNotNull();
    }

    @Test
    void whatTheDaemonDoesNotNeedTakesNoMemory() {
        Pod read = OURS.unmarshal(ALL_FIELDS.asJson(podWithAll()), Pod.class);

        assertThat(read.getMetadata().getManagedFields()).isEmpty();
        assertThat(read.getSpec().getVolumes()).isEmpty();
        assertThat(read.getSpec().getContainers())
                .allSatisfy(container -> assertThat(container.getVolumeMounts()).isEmpty());
        assertThat(read.getSpec().getAdditionalProperties()).isEmpty();
    }

    private static BoundedPod streamed(String json, NodePodReader reader) throws IOException {
        try (JsonParser parser = JsonFields.factory().createParser(json)) {
            parser.nextToken();
            return PodJson.read(parser, reader.selectors());
        }
    }

    private static Pod podWithAll() {
        return TestPods.mirror(TestPods.crashing(identified(), 126), TestPods.STATIC_UID)
                .edit()
                .editSpec()
                .withHostNetwork(true)
                .withRestartPolicy("Always")
                .withSchedulerName("default-scheduler")
                .withServiceAccountName("web")
                .withNewSecurityContext()
                .withRunAsUser(1000L)
                .withRunAsGroup(1001L)
                .endSecurityContext()
                .addNewVolume()
                .withName("data")
                .withNewEmptyDir()
                .endEmptyDir()
                .endVolume()
                .editLastContainer()
                .addNewEnv()
                .withName("ISTIO_META_DNS_CAPTURE")
                .withValue("true")
                .endEnv()
                .addNewVolumeMount()
                .withName("data")
                .withMountPath("/data")
                .endVolumeMount()
                .withNewSecurityContext()
                .withRunAsUser(1337L)
                .withRunAsGroup(1338L)
                .endSecurityContext()
                .endContainer()
                .endSpec()
                .editStatus()
                .withPodIP("10.1.0.5")
                .addNewPodIP("10.1.0.5")
                .addNewPodIP("fd00::5")
                .editFirstInitContainerStatus()
                .editLastState()
                .editTerminated()
                .withMessage("validation failed")
                .endTerminated()
                .endLastState()
                .endInitContainerStatus()
                .addNewContainerStatus()
                .withName("app")
                .withContainerID("containerd://2")
                .endContainerStatus()
                .endStatus()
                .build();
    }

    private static Pod identified() {
        return new PodBuilder(TestPods.injected("web"))
                .editMetadata()
                .withUid("2b7b9d3c-0000-4000-8000-000000000001")
                .withResourceVersion("42")
                .addToLabels("app", "web")
                .addNewManagedField()
                .withManager("kubelet")
                .endManagedField()
                .endMetadata()
                .build();
    }
}
