// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.meshcni.config.DaemonException;
import dev.meshcni.config.YamlFile;
import dev.meshcni.doctor.Check.Verdict;
import dev.meshcni.testkit.FakeApiServer.Call;
import dev.meshcni.testkit.Slow;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How {@code meshcni doctor --cluster} asks the API server, and what it makes of refusals and of silence. */
class ClusterDoctorTest extends ClusterDoctorFixture {
    @Test
    void aHealthyClusterHasALineForEachPrerequisiteAndNothingToDo() throws Exception {
        cluster.create();

        ClusterReport report = doctor.examine();

        assertThat(report.hasErrors()).isFalse();
        assertThat(DoctorRun.lines(report))
                .allMatch(line -> line.startsWith("ok "))
                .anyMatch(line -> line.contains("answers, Kubernetes v1.33.1"))
                .contains("ok Nodes: container runtime containerd://1.7.27 uses CNI (2 nodes: node-a, node-b)")
                .anyMatch(line -> line.contains("the admission controller ServiceAccount is enabled"))
                .contains("ok ServiceAccounts: every namespace has a ServiceAccount \"default\"")
                .contains("ok DaemonSet: DaemonSet istio-system/istio-cni-node: of 2 pods, 2 ready, 2 up to date")
                .contains("ok Base CNI, by node: 2 nodes, node-a, node-b: base CNI calico, chain adapter calico,"
                        + " chained in"
                        + " 10-calico.conflist; configuration in /etc/cni/net.d, plugins in /opt/cni/bin;"
                        + " redirection backend iptables-nft 1.8.9")
                .anyMatch(line -> line.startsWith("ok Control planes: istiod of revision default in istio-system is"))
                .anyMatch(line -> line.contains("omits istio-init"))
                .anyMatch(line -> line.startsWith("ok Pods of the mesh: 1 proxy of Istio"));
    }

    @Test
    void nothingIsWritten() throws Exception {
        cluster.create();

        doctor.examine();

        assertThat(server.calls()).isNotEmpty().allMatch(call -> call.method().equals("GET") && !call.isWatch());
    }

    @ParameterizedTest
    @CsvSource({
        "/version, get on the path /version",
        "/api/v1/nodes, list on nodes",
        "/api/v1/namespaces, list on namespaces",
        "/api/v1/serviceaccounts, list on serviceaccounts",
        "/api/v1/pods, list on pods",
        "/apis/apps/v1/daemonsets, list on daemonsets.apps",
        "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations, list on mutatingwebhookconfigurations",
        "/api/v1/namespaces/istio-system/configmaps/istio-sidecar-injector, get on configmaps in namespace"
                + " istio-system",
        "/api/v1/namespaces/istio-system/pods/istio-cni-node-a:8000/proxy/status, get on pods/proxy in namespace"
                + " istio-",
        "/apis/k8s.cni.cncf.io/v1/network-attachment-definitions, list on"
                + " network-attachment-definitions.k8s.cni.cncf.io"
    })
    void aRightThatIsMissingIsALineThatNamesIt(String path, String right) throws Exception {
        cluster.agentSays(Optional.of(TestCluster.status(Optional.empty(), false, List.of())))
                .web(pod -> attached(pod, "default/istio-cni"));
        server.fail(call -> call.path().replaceFirst("\\?.*", "").equals(path), ALWAYS, 403);
        cluster.create();
        cluster.network("default");

        ClusterReport report = doctor.examine();

        assertThat(report.hasErrors()).isFalse();
        assertThat(DoctorRun.lines(report))
                .anyMatch(line -> line.startsWith("unknown ") && line.contains("your account lacks " + right))
                .anyMatch(line -> line.startsWith("ok "));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/api/v1/pods", "/apis/apps/v1/daemonsets"})
    void withoutTheDaemonsPodsTheBaseCniIsUnknown(String path) throws Exception {
        server.fail(call -> call.path().replaceFirst("\\?.*", "").equals(path), ALWAYS, 403);
        cluster.create();

        assertThat(doctor.lines())
                .anyMatch(
                        line -> line.startsWith("unknown Base CNI, by node: the base CNI of the nodes: your account"));
    }

    @Test
    void withoutAnyRightEachLineSaysSo() throws Exception {
        server.fail(_ -> true, ALWAYS, 403);
        cluster.create();

        assertThat(doctor.lines()).isNotEmpty().allMatch(line -> line.startsWith("unknown "));
    }

    @Test
    void aServerThatCannotBeReachedIsTheOnlyLine() throws Exception {
        server.disconnect();

        ClusterReport report = doctor.examine();

        assertThat(report.hasErrors()).isTrue();
        assertThat(DoctorRun.lines(report)).singleElement().asString().startsWith("error API server: " + server.url());
    }

    @Test
    @Slow
    void aServerThatNeverAnswersCostsOneTimeLimit() throws Exception {
        server.delay(_ -> true, ALWAYS, Duration.ofMinutes(5));

        ClusterReport report = doctor.examine();

        assertThat(DoctorRun.lines(report)).singleElement().asString().contains("timeout waiting for the API server");
        assertThat(server.calls()).hasSize(1);
    }

    @Test
    void aCredentialThatIsNotAcceptedIsTheOnlyLine() throws Exception {
        server.fail(_ -> true, ALWAYS, 401);
        cluster.create();

        assertThat(doctor.lines()).singleElement().asString().contains("rejected your credential (401)");
    }

    @Test
    @Slow
    void aServerThatStopsAnsweringIsNotAskedAgain() throws Exception {
        cluster.create();
        server.delay(call -> call.path().startsWith("/api/v1/nodes"), ALWAYS, Duration.ofMinutes(5));

        List<String> lines = doctor.lines();

        assertThat(server.calls()).hasSize(2);
        assertThat(lines)
                .anyMatch(line ->
                        line.startsWith("unknown Nodes: ") && line.contains("timeout waiting for the API server"))
                .anyMatch(line -> line.startsWith("unknown Pods of the mesh: ") && line.contains("not checked"));
    }

    @Test
    void aLongListIsReadPageByPage() throws Exception {
        cluster.create();
        Predicate<Call> pods = call -> call.path().startsWith("/api/v1/pods?");
        server.answer(call -> pods.test(call) && !call.path().contains("continue=more"), 1, _ -> TestCluster.json("""
            {"kind": "PodList", "apiVersion": "v1", "metadata": {"continue": "more"}, "items": [
              {"metadata": {"namespace": "shop", "name": "first-page"}, "spec": {}}]}\
            """));

        doctor.says(Verdict.ERROR, "1 pod without a ServiceAccount (shop/first-page)");
        assertThat(server.calls(pods)).isEqualTo(2);
        assertThat(doctor.lines()).anyMatch(line -> line.contains("1 proxy of Istio"));
    }

    @Test
    void aContextThatIsNotThereIsAnErrorThatNamesThoseThatAre() throws Exception {
        ClusterSettings settings = new ClusterSettings(
                Optional.of(server.kubeconfig(directory)),
                Optional.of("prod"),
                Optional.empty(),
                Duration.ofSeconds(2));

        assertThatThrownBy(() -> ClusterDoctor.examine(settings))
                .isInstanceOf(DaemonException.class)
                .hasMessageContaining("no context \"prod\"")
                .hasMessageContaining("[test]");
    }

    @Test
    void withoutAnyKubeconfigNothingIsAsked() {
        List<String> properties = List.of("kubernetes.auth.tryKubeConfig", "kubernetes.auth.tryServiceAccount");
        properties.forEach(property -> System.setProperty(property, "false"));
        try {
            ClusterSettings settings =
                    new ClusterSettings(Optional.empty(), Optional.empty(), Optional.empty(), Duration.ofSeconds(2));

            assertThatThrownBy(() -> ClusterDoctor.examine(settings))
                    .isInstanceOf(DaemonException.class)
                    .hasMessageContaining("--kubeconfig");
        } finally {
            properties.forEach(System::clearProperty);
        }
    }

    @Test
    void aKubeconfigThatIsNotThereIsAnError() {
        ClusterSettings settings = new ClusterSettings(
                Optional.of(directory.resolve("none")), Optional.empty(), Optional.empty(), Duration.ofSeconds(2));

        assertThatThrownBy(() -> ClusterDoctor.examine(settings))
                .isInstanceOf(DaemonException.class)
                .hasMessageContaining(directory.resolve("none") + " does not exist");
    }

    @Test
    @Slow
    void theRightsOfTheDocumentationAreThoseThatAreNeeded() throws Exception {
        cluster.agentSays(Optional.of(TestCluster.status(Optional.empty(), false, List.of())));
        cluster.create();
        cluster.network("default");
        String page = Files.readString(Path.of("../docs/rbac.md"));
        String yaml = page.substring(page.indexOf("```yaml") + "```yaml".length(), page.lastIndexOf("```"));
        Set<String> granted = YamlFile.documents("rbac.md", yaml).stream()
                .flatMap(role -> new ObjectMapper().convertValue(role.plain(), ClusterRole.class).getRules().stream())
                .flatMap(rule -> rule.getResources().stream()
                        .map(resource -> String.join(",", rule.getVerbs()) + " "
                                + rule.getApiGroups().getFirst() + "/" + resource))
                .collect(Collectors.toSet());

        doctor.lines();

        assertThat(server.calls().stream()
                        .map(call -> call.path().replaceFirst("\\?.*", ""))
                        .filter(path -> !path.equals("/version"))
                        .map(ClusterDoctorTest::right))
                .hasSameElementsAs(granted);
    }

    /** What a path asks for, as {@code verb group/resource}. */
    private static String right(String path) {
        String[] parts = path.replaceFirst("^/api/v1/", "/apis//v1/")
                .replaceFirst("/namespaces/[^/]+/", "/")
                .substring("/apis/".length())
                .split("/", -1);
        String subresource = parts.length > 4 ? "/" + parts[4] : "";
        return (parts.length > 3 ? "get " : "list ") + parts[0] + "/" + parts[2] + subresource;
    }

    private static Pod attached(Pod pod, String networks) {
        return pod.edit()
                .editMetadata()
                .addToAnnotations("k8s.v1.cni.cncf.io/networks", networks)
                .endMetadata()
                .build();
    }
}
