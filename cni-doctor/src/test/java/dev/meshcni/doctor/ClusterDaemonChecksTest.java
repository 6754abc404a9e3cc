// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import static dev.meshcni.doctor.TestCluster.ISTIO;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.conf.Finding;
import dev.meshcni.config.ProductVersion;
import dev.meshcni.doctor.Check.Verdict;
import dev.meshcni.testkit.FakeApiServer.Call;
import dev.meshcni.testkit.Slow;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Taint;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The DaemonSet and what its pods say of their nodes. */
class ClusterDaemonChecksTest extends ClusterDoctorFixture {
    @Test
    void aDaemonThatIsNotReadySaysWhy() throws Exception {
        cluster.agentSays(Optional.of(
                TestCluster.status(Optional.of("waiting for the base CNI's configuration"), true, List.of())));
        cluster.create();

        doctor.says(Verdict.ERROR, "node node-b: the daemon is not ready: waiting for the base CNI's configuration");
    }

    @Test
    void whatAChainAdapterFindsIsPassedOn() throws Exception {
        cluster.agentSays(Optional.of(TestCluster.status(
                Optional.empty(),
                true,
                List.of(Finding.warning("bpf is on", "turn connect-time load balancing off")))));
        cluster.create();

        doctor.says(Verdict.WARNING, "node node-b: bpf is on");
    }

    @Test
    void aDaemonThatDoesNotRunIsNotAsked() throws Exception {
        cluster.agentB(
                pod -> pod.edit().editStatus().withPhase("Pending").endStatus().build());
        cluster.create();

        doctor.says(Verdict.UNKNOWN, "node node-b: state of the daemon and base CNI: its pod is Pending");
        assertThat(server.calls()).noneMatch(call -> call.path().contains("istio-cni-node-b:8000"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "<html>not found</html>", "[]", "{\"a\":", "\u001b[31m"})
    void anAnswerThatIsNoStatusIsOnlyThisNodesLine(String body) throws Exception {
        cluster.agentSays(Optional.empty());
        cluster.create();
        server.answer(ClusterDaemonChecksTest::asksNodeB, ALWAYS, _ -> TestCluster.json(body));

        ClusterReport report = doctor.examine();

        assertThat(DoctorRun.lines(report))
                .anyMatch(line -> line.startsWith("unknown Base CNI, by node: node node-b: "))
                .anyMatch(line -> line.startsWith("ok Base CNI, by node: node node-a: base CNI calico"))
                .noneMatch(line -> line.contains("\u001b"));
    }

    @ParameterizedTest
    @ValueSource(ints = {403, 404, 500, 503})
    void aDaemonThatCannotBeReachedIsOnlyThisNodesLine(int status) throws Exception {
        cluster.agentSays(Optional.empty());
        cluster.create();
        server.fail(ClusterDaemonChecksTest::asksNodeB, ALWAYS, status);

        ClusterReport report = doctor.examine();

        assertThat(DoctorRun.lines(report))
                .anyMatch(line ->
                        line.startsWith("unknown Base CNI, by node: node node-b: ") && line.contains("" + status))
                .anyMatch(line -> line.startsWith("ok Base CNI, by node: node node-a: "))
                .anyMatch(line -> line.startsWith("ok Control planes: "));
    }

    @Test
    @Slow
    void aDaemonThatNeverAnswersCostsOneTimeLimit() throws Exception {
        cluster.agentSays(Optional.empty());
        cluster.create();
        server.delay(ClusterDaemonChecksTest::asksNodeB, ALWAYS, Duration.ofMinutes(5));

        ClusterReport report = doctor.examine();

        assertThat(DoctorRun.lines(report))
                .anyMatch(line -> line.startsWith("unknown Base CNI, by node: node node-b: ")
                        && line.contains("timeout waiting for the API server"))
                .anyMatch(line -> line.startsWith("ok Control planes: "));
    }

    @Test
    void beforeAnInstallationOnlyThatIsMissing() throws Exception {
        cluster.notInstalled()
                .injectorValues("{}")
                .web(pod -> pod.edit()
                        .editSpec()
                        .editFirstInitContainer()
                        .withName("istio-init")
                        .endInitContainer()
                        .endSpec()
                        .build());
        cluster.create();

        ClusterReport report = doctor.examine();

        assertThat(report.hasErrors()).isFalse();
        assertThat(DoctorRun.lines(report))
                .filteredOn(line -> !line.startsWith("ok "))
                .singleElement()
                .asString()
                .contains("warning DaemonSet: DaemonSet istio-cni-node not found");
    }

    @Test
    void podsThatNeedACniWhichIsNotThereAreAnError() throws Exception {
        cluster.notInstalled();
        cluster.create();

        doctor.says(Verdict.ERROR, "1 injected pod without istio-init need it (shop/web)");
    }

    @Test
    void podsThatAreAttachedWithoutADaemonAreNamed() throws Exception {
        cluster.notInstalled()
                .web(pod -> pod.edit()
                        .editMetadata()
                        .addToAnnotations("k8s.v1.cni.cncf.io/networks", "default/istio-cni")
                        .endMetadata()
                        .build());
        cluster.create();

        doctor.says(Verdict.WARNING, "1 pod attached to the network istio-cni of Multus without its plugin: shop/web");
    }

    @Test
    void aDaemonSetInAnotherNamespaceThanSaidIsNotOurs() throws Exception {
        cluster.create();

        ClusterReport report = doctor.examine(Optional.of("kube-system"));

        assertThat(DoctorRun.lines(report))
                .anyMatch(line -> line.startsWith("error DaemonSet: DaemonSet istio-cni-node not found in namespace"))
                .anyMatch(line -> line.contains("another installer of istio-cni"));
    }

    @Test
    void anotherInstallerIsAnError() throws Exception {
        cluster.create();
        cluster.create(
                "/apis/apps/v1/namespaces/kube-system/daemonsets",
                TestCluster.daemonSet()
                        .edit()
                        .editMetadata()
                        .withNamespace("kube-system")
                        .endMetadata()
                        .build());

        doctor.says(Verdict.ERROR, "another installer of istio-cni rewrites the nodes' configuration: kube-system/");
    }

    @Test
    void anotherProductIsToldApart() throws Exception {
        cluster.daemonSet(set -> set.edit()
                .editSpec()
                .editTemplate()
                .editSpec()
                .editFirstContainer()
                .withCommand("install-cni")
                .withImage("registry.example/istio/install-cni:1.29.0")
                .endContainer()
                .endSpec()
                .endTemplate()
                .endSpec()
                .build());
        cluster.create();

        doctor.says(Verdict.WARNING, "runs another product (registry.example/istio/install-cni:1.29.0)");
    }

    @Test
    void anotherVersionOfTheImageIsNamed() throws Exception {
        cluster.daemonSet(set -> set.edit()
                .editSpec()
                .editTemplate()
                .editSpec()
                .editFirstContainer()
                .withImage("registry.example/mesh/mesh-cni:0.0.1")
                .endContainer()
                .endSpec()
                .endTemplate()
                .endSpec()
                .build());
        cluster.create();

        doctor.says(Verdict.WARNING, "mesh-cni:0.0.1, this meshcni is version " + ProductVersion.text());
    }

    @ParameterizedTest
    @CsvSource({"2, 1, 2, ERROR", "2, 2, 1, WARNING", "0, 0, 0, WARNING"})
    void aRolloutThatIsNotCompleteIsSaid(int desired, int ready, int updated, Verdict verdict) throws Exception {
        cluster.daemonSet(set -> set.edit()
                .editStatus()
                .withDesiredNumberScheduled(desired)
                .withNumberReady(ready)
                .withUpdatedNumberScheduled(updated)
                .endStatus()
                .build());
        cluster.create();

        doctor.says(verdict, "of " + desired + " pods, " + ready + " ready, " + updated + " up to date");
    }

    @Test
    void aNodeWithoutTheDaemonIsAnErrorWhereInjectedPodsRun() throws Exception {
        cluster.nodeB(node -> node.edit()
                        .editSpec()
                        .withTaints(taint("gpu"))
                        .endSpec()
                        .build())
                .daemonSet(set -> set.edit()
                        .editSpec()
                        .editTemplate()
                        .editSpec()
                        .withTolerations(List.of())
                        .endSpec()
                        .endTemplate()
                        .endSpec()
                        .build())
                .agentB(pod ->
                        pod.edit().editMetadata().withLabels(null).endMetadata().build());
        cluster.create();

        doctor.says(
                Verdict.ERROR,
                "node node-b has no daemon: its taint gpu:NoSchedule is not tolerated; 1 injected pod there without"
                        + " it");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"nodeSelector\": {\"pool\": \"mesh\"}} | it lacks the label pool=mesh of the nodeSelector",
                "{\"affinity\": {\"nodeAffinity\": {\"requiredDuringSchedulingIgnoredDuringExecution\":"
                        + " {\"nodeSelectorTerms\": [{\"matchExpressions\": [{\"key\": \"pool\", \"operator\":"
                        + " \"Exists\"}]}]}}}}"
                        + " | the DaemonSet's node affinity excludes it",
                "{} | its labels and taints do not explain it"
            })
    void aNodeThatIsLeftOutIsAWarningWhereNoInjectedPodsRun(String podSpec, String text) throws Exception {
        PodSpec asked = Serialization.unmarshal(podSpec, PodSpec.class);
        cluster.daemonSet(set -> set.edit()
                        .editSpec()
                        .editTemplate()
                        .editSpec()
                        .withNodeSelector(asked.getNodeSelector())
                        .withAffinity(asked.getAffinity())
                        .endSpec()
                        .endTemplate()
                        .endSpec()
                        .build())
                .agentB(pod ->
                        pod.edit().editMetadata().withLabels(null).endMetadata().build())
                .web(pod ->
                        pod.edit().editSpec().withNodeName("node-a").endSpec().build());
        cluster.create();

        doctor.says(Verdict.WARNING, "node node-b has no daemon: " + text);
    }

    @Test
    void aDaemonThatWasRestartedIsNamedWithTheReason() throws Exception {
        cluster.agentB(pod -> pod.edit()
                .editStatus()
                .addNewContainerStatus()
                .withName("install-cni")
                .withRestartCount(4)
                .withNewLastState()
                .withNewTerminated()
                .withExitCode(137)
                .withReason("OOMKilled")
                .endTerminated()
                .endLastState()
                .endContainerStatus()
                .endStatus()
                .build());
        cluster.create();

        doctor.says(Verdict.WARNING, "node node-b was restarted 4 times, last after exit code 137 (OOMKilled)");
    }

    /** The kubelet knows why; describing the pod is one step more. */
    @Test
    void whyADaemonDoesNotStartIsSaid() throws Exception {
        cluster.agentB(pod -> pod.edit()
                .editStatus()
                .withPhase("Pending")
                .addNewContainerStatus()
                .withName("install-cni")
                .withNewState()
                .withNewWaiting("Back-off pulling image \"registry.example.com/none:1\"", "ImagePullBackOff")
                .endState()
                .endContainerStatus()
                .endStatus()
                .build());
        cluster.create();

        doctor.says(
                Verdict.UNKNOWN,
                "its pod is Pending, ImagePullBackOff: Back-off pulling image \"registry.example.com/none:1\"");
    }

    @Test
    void theLastWordsOfADaemonAreSaid() throws Exception {
        cluster.agentB(pod -> pod.edit()
                .editStatus()
                .addNewContainerStatus()
                .withName("install-cni")
                .withRestartCount(3)
                .withNewState()
                .withNewWaiting("back-off 40s restarting failed container", "CrashLoopBackOff")
                .endState()
                .withNewLastState()
                .withNewTerminated()
                .withExitCode(2)
                .withReason("Error")
                .withMessage("install-cni: invalid value for environment variable DRIFT_REPAIR: expected true or false"
                        + "\nSee 'install-cni --help'.\n")
                .endTerminated()
                .endLastState()
                .endContainerStatus()
                .endStatus()
                .build());
        cluster.create();

        String words = "exit code 2 (Error), install-cni: invalid value for environment variable DRIFT_REPAIR";
        doctor.says(Verdict.UNKNOWN, "its pod is Running, CrashLoopBackOff: " + words);
        doctor.says(Verdict.WARNING, "node node-b was restarted 3 times, last after " + words);
    }

    private static boolean asksNodeB(Call call) {
        return call.path().contains("/namespaces/" + ISTIO + "/pods/istio-cni-node-b:8000/proxy/");
    }

    private static Taint taint(String key) {
        Taint taint = new Taint();
        taint.setKey(key);
        taint.setEffect("NoSchedule");
        return taint;
    }
}
