// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.doctor.Check.Verdict;
import dev.meshcni.repair.NodeTaint;
import dev.meshcni.testkit.TestPods;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Taint;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The prerequisites of an installation: container runtimes, networks, ServiceAccounts. */
class ClusterNodeChecksTest extends ClusterDoctorFixture {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "cri-o://1.31.2      | OK      | uses CNI (1 node: node-b)",
                "docker://27.1.1     | WARNING | uses CNI only if configured",
                "rkt://1.30.0        | WARNING | is not known to use CNI",
                "''                  | WARNING | (unnamed) is not known to use CNI"
            })
    void aRuntimeIsJudgedByItsKind(String runtime, Verdict verdict, String text) throws Exception {
        cluster.nodeB(node -> node.edit()
                .editStatus()
                .editNodeInfo()
                .withContainerRuntimeVersion(runtime)
                .endNodeInfo()
                .endStatus()
                .build());
        cluster.create();

        doctor.says(verdict, text);
    }

    @Test
    void aNodeThatRunsWindowsIsNotLookedAt() throws Exception {
        cluster.nodeB(node -> node.edit()
                .editStatus()
                .editNodeInfo()
                .withOperatingSystem("windows")
                .withContainerRuntimeVersion("rkt://1")
                .endNodeInfo()
                .endStatus()
                .build());
        cluster.create();

        assertThat(doctor.lines())
                .contains("ok Nodes: container runtime containerd://1.7.27 uses CNI (1 node: node-a)");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "Ready | False | container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady"
                        + " message:Network plugin returns error: cni plugin not initialized | ERROR | has no"
                        + " working CNI",
                "Ready | Unknown | Kubelet stopped posting node status. | WARNING | is not ready",
                "NetworkUnavailable | True | RouteController failed to create a route | ERROR | network of node"
                        + " node-b is not"
            })
    void aNodeWithoutANetworkIsNamed(String type, String status, String message, Verdict verdict, String text)
            throws Exception {
        cluster.nodeB(node -> node.edit()
                .editStatus()
                .removeMatchingFromConditions(condition -> type.equals(condition.getType()))
                .addNewCondition()
                .withType(type)
                .withStatus(status)
                .withReason("Because")
                .withMessage(message)
                .endCondition()
                .endStatus()
                .build());
        cluster.create();

        doctor.says(verdict, text);
    }

    @Test
    void aTaintThatIsLeftBehindIsAnError() throws Exception {
        cluster.nodeB(node -> node.edit()
                .editSpec()
                .withTaints(taint(NodeTaint.KEY))
                .endSpec()
                .build());
        cluster.create();

        doctor.says(Verdict.ERROR, "node-b has the taint cni.istio.io/not-ready, although the daemon there is ready");
    }

    @Test
    void aTaintWithoutAnInstallationIsAnError() throws Exception {
        cluster.nodeB(node -> node.edit()
                        .editSpec()
                        .withTaints(taint(NodeTaint.KEY))
                        .endSpec()
                        .build())
                .notInstalled();
        cluster.create();

        doctor.says(Verdict.ERROR, "no daemon is installed that would remove it");
    }

    @Test
    void podsWithoutAServiceAccountSayThatItsAdmissionIsOff() throws Exception {
        cluster.web(pod ->
                pod.edit().editSpec().withServiceAccountName(null).endSpec().build());
        cluster.create();

        doctor.says(Verdict.ERROR, "ServiceAccount is, or was, disabled: 1 pod without a ServiceAccount (shop/web)");
    }

    @Test
    void aStaticPodHasNoServiceAccountAndNeedsNone() throws Exception {
        cluster.create();
        Pod mirror = TestPods.elsewhere("static")
                .edit()
                .editMetadata()
                .withAnnotations(Map.of("kubernetes.io/config.mirror", "x"))
                .endMetadata()
                .build();
        cluster.create("/api/v1/namespaces/shop/pods", mirror);

        assertThat(doctor.examine().hasErrors()).isFalse();
    }

    @Test
    void aNamespaceWithoutItsServiceAccountIsNamed() throws Exception {
        cluster.create();
        cluster.create(
                "/api/v1/namespaces",
                new NamespaceBuilder()
                        .withNewMetadata()
                        .withName("bare")
                        .endMetadata()
                        .build());

        doctor.says(Verdict.WARNING, "no ServiceAccount \"default\" in bare");
    }

    private static Taint taint(String key) {
        Taint taint = new Taint();
        taint.setKey(key);
        taint.setEffect("NoSchedule");
        return taint;
    }
}
