package dev.meshcni.daemon;

import static dev.meshcni.daemon.TestCluster.ISTIO;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.api.spi.Finding;
import dev.meshcni.daemon.Check.Verdict;
import dev.meshcni.daemon.FakeApiServer.Call;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Taint;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class ClusterDoctorTest {
    private static final int ALWAYS = Integer.MAX_VALUE;

    @TempDir
    private Path directory;

    private FakeApiServer server;
    private TestCluster cluster;

    @BeforeEach
    void startServer() throws IOException {
        server = new FakeApiServer();
        cluster = new TestCluster(server);
    }

    @AfterEach
    void stopServer() throws IOException {
        server.close();
    }

    @Test
    void aHealthyClusterHasALineForEachPrerequisiteAndNothingToDo() throws Exception {
        cluster.create();

        ClusterReport report = examine();

        assertThat(report.hasErrors()).isFalse();
        assertThat(lines(report))
                .allMatch(line -> line.startsWith("ok "))
                .anyMatch(line -> line.contains("answers, Kubernetes v1.33.1"))
                .contains("ok Nodes: container runtime containerd://1.7.27 uses CNI (2 nodes: node-a, node-b)")
                .anyMatch(line -> line.contains("the admission controller ServiceAccount is on"))
                .contains("ok ServiceAccounts: every namespace has a ServiceAccount \"default\"")
                .contains("ok DaemonSet: DaemonSet istio-system/istio-cni-node: of 2 pods, 2 ready, 2 up to date")
                .contains(
                        "ok Base CNI, by node: 2 nodes, node-a, node-b: base CNI calico, chain adapter calico, chained in"
                                + " 10-calico.conflist; configuration in /etc/cni/net.d, plugins in /opt/cni/bin; redirection by"
                                + " iptables-nft 1.8.9")
                .anyMatch(line -> line.startsWith("ok Control planes: istiod of revision default in istio-system is"))
                .anyMatch(line -> line.contains("leaves istio-init out"))
                .anyMatch(line -> line.startsWith("ok Pods of the mesh: 1 proxy of Istio"));
    }

    @Test
    void nothingIsWritten() throws Exception {
        cluster.create();

        examine();

        assertThat(server.calls()).isNotEmpty().allMatch(call -> call.method().equals("GET") && !call.isWatch());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "cri-o://1.31.2      | OK      | uses CNI (1 node: node-b)",
                "docker://27.1.1     | WARNING | uses CNI only if it is told to",
                "rkt://1.30.0        | WARNING | is not known here",
                "''                  | WARNING | without a name is not known here"
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

        assertSays(verdict, text);
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

        assertThat(lines(examine()))
                .contains("ok Nodes: container runtime containerd://1.7.27 uses CNI (1 node: node-a)");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "Ready | False | container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady"
                        + " message:Network plugin returns error: cni plugin not initialized | ERROR | has no working CNI",
                "Ready | Unknown | Kubelet stopped posting node status. | WARNING | is not ready",
                "NetworkUnavailable | True | RouteController failed to create a route | ERROR | network of node node-b is not"
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

        assertSays(verdict, text);
    }

    @Test
    void aTaintThatIsLeftBehindIsAnError() throws Exception {
        cluster.nodeB(node -> node.edit()
                .editSpec()
                .withTaints(taint(NodeTaint.KEY))
                .endSpec()
                .build());
        cluster.create();

        assertSays(
                Verdict.ERROR, "node-b carries the taint cni.istio.io/not-ready, although the daemon there is ready");
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

        assertSays(Verdict.ERROR, "nothing is installed that would take it off");
    }

    @Test
    void podsWithoutAServiceAccountSayThatItsAdmissionIsOff() throws Exception {
        cluster.web(pod ->
                pod.edit().editSpec().withServiceAccountName(null).endSpec().build());
        cluster.create();

        assertSays(Verdict.ERROR, "ServiceAccount is off, or was: 1 pod without a ServiceAccount (shop/web)");
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

        assertThat(examine().hasErrors()).isFalse();
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

        assertSays(Verdict.WARNING, "no ServiceAccount \"default\" in bare");
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

        ClusterReport report = examine();

        assertThat(report.hasErrors()).isFalse();
        assertThat(lines(report))
                .filteredOn(line -> !line.startsWith("ok "))
                .singleElement()
                .asString()
                .contains("warning DaemonSet: DaemonSet istio-cni-node is not there");
    }

    @Test
    void podsThatNeedACniWhichIsNotThereAreAnError() throws Exception {
        cluster.notInstalled();
        cluster.create();

        assertSays(Verdict.ERROR, "1 injected pod without istio-init would need it (shop/web)");
    }

    @Test
    void aDaemonSetInAnotherNamespaceThanSaidIsNotOurs() throws Exception {
        cluster.create();

        ClusterReport report = examine(Optional.of("kube-system"));

        assertThat(lines(report))
                .anyMatch(
                        line -> line.startsWith("error DaemonSet: DaemonSet istio-cni-node is not there in namespace"))
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

        assertSays(
                Verdict.ERROR,
                "another installer of istio-cni, which fights for the nodes' configuration: kube-system/");
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

        assertSays(Verdict.WARNING, "runs another product (registry.example/istio/install-cni:1.29.0)");
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

        assertSays(Verdict.WARNING, "mesh-cni:0.0.1, this meshcni is version " + ProductVersion.text());
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

        assertSays(verdict, "of " + desired + " pods, " + ready + " ready, " + updated + " up to date");
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

        assertSays(
                Verdict.ERROR,
                "node node-b has no daemon: its taint gpu:NoSchedule is not tolerated; 1 injected pod there without it");
    }

    @Test
    void aNodeThatTheSelectorLeavesOutIsAWarningWhereNoInjectedPodsRun() throws Exception {
        cluster.nodeB(node -> node.edit()
                        .editMetadata()
                        .withLabels(null)
                        .endMetadata()
                        .build())
                .agentB(pod ->
                        pod.edit().editMetadata().withLabels(null).endMetadata().build())
                .web(pod ->
                        pod.edit().editSpec().withNodeName("node-a").endSpec().build());
        cluster.create();

        assertSays(
                Verdict.WARNING,
                "node node-b has no daemon: it lacks the label kubernetes.io/os=linux of the nodeSelector");
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

        assertSays(Verdict.WARNING, "node node-b was restarted 4 times, last after exit code 137 (OOMKilled)");
    }

    @Test
    void aDaemonThatIsNotReadySaysWhy() throws Exception {
        cluster.agentSays(Optional.of(
                TestCluster.status(Optional.of("waiting for the base CNI's configuration"), true, List.of())));
        cluster.create();

        assertSays(Verdict.ERROR, "node node-b: the daemon is not ready: waiting for the base CNI's configuration");
    }

    @Test
    void whatAChainAdapterFindsIsPassedOn() throws Exception {
        cluster.agentSays(Optional.of(TestCluster.status(
                Optional.empty(),
                true,
                List.of(Finding.warning("bpf is on", "turn connect-time load balancing off")))));
        cluster.create();

        assertSays(Verdict.WARNING, "node node-b: bpf is on");
    }

    @Test
    void aDaemonThatDoesNotRunIsNotAsked() throws Exception {
        cluster.agentB(
                pod -> pod.edit().editStatus().withPhase("Pending").endStatus().build());
        cluster.create();

        assertSays(
                Verdict.UNKNOWN, "node node-b: the daemon's state and the base CNI cannot be said: its pod is Pending");
        assertThat(server.calls()).noneMatch(call -> call.path().contains("istio-cni-node-b:8000"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "<html>not found</html>", "[]", "{\"a\":", "\u001b[31m"})
    void anAnswerThatIsNoStatusIsOnlyThisNodesLine(String body) throws Exception {
        cluster.agentSays(Optional.empty());
        cluster.create();
        server.answer(ClusterDoctorTest::asksNodeB, ALWAYS, _ -> TestCluster.json(body));

        ClusterReport report = examine();

        assertThat(lines(report))
                .anyMatch(line -> line.startsWith("unknown Base CNI, by node: node node-b: "))
                .anyMatch(line -> line.startsWith("ok Base CNI, by node: node node-a: base CNI calico"))
                .noneMatch(line -> line.contains("\u001b"));
    }

    @ParameterizedTest
    @ValueSource(ints = {403, 404, 500, 503})
    void aDaemonThatCannotBeReachedIsOnlyThisNodesLine(int status) throws Exception {
        cluster.agentSays(Optional.empty());
        cluster.create();
        server.fail(ClusterDoctorTest::asksNodeB, ALWAYS, status);

        ClusterReport report = examine();

        assertThat(lines(report))
                .anyMatch(line ->
                        line.startsWith("unknown Base CNI, by node: node node-b: ") && line.contains("" + status))
                .anyMatch(line -> line.startsWith("ok Base CNI, by node: node node-a: "))
                .anyMatch(line -> line.startsWith("ok Control planes: "));
    }

    @Test
    void aDaemonThatNeverAnswersCostsOneTimeLimit() throws Exception {
        cluster.agentSays(Optional.empty());
        cluster.create();
        server.delay(ClusterDoctorTest::asksNodeB, ALWAYS, Duration.ofMinutes(5));

        ClusterReport report = examine();

        assertThat(lines(report))
                .anyMatch(line -> line.startsWith("unknown Base CNI, by node: node node-b: ")
                        && line.contains("does not answer in time"))
                .anyMatch(line -> line.startsWith("ok Control planes: "));
    }

    @Test
    void proxiesOutsideOfTheSkewAreNamed() throws Exception {
        int old = ProxyVersion.COMPATIBLE.minor() - 2;
        cluster.web(pod -> withProxy(pod, "registry.example/istio/proxyv2:1." + old + ".7"));
        cluster.create();

        assertSays(Verdict.WARNING, "1 proxy of Istio 1." + old + " (shop/web)");
    }

    @Test
    void aProxyWhoseImageNamesNoVersionIsUnknown() throws Exception {
        cluster.web(pod -> withProxy(pod, "registry.example/istio/proxyv2@sha256:abc"));
        cluster.create();

        assertSays(Verdict.UNKNOWN, "the images of 1 proxy name no version (shop/web)");
    }

    @Test
    void podsThatStillHaveIstioInitAreCountedByNamespace() throws Exception {
        cluster.web(pod -> pod.edit()
                .editSpec()
                .editFirstInitContainer()
                .withName("istio-init")
                .endInitContainer()
                .endSpec()
                .build());
        cluster.create();

        assertSays(Verdict.WARNING, "pods with istio-init, which needs NET_ADMIN, in shop (1)");
    }

    @Test
    void podsThatValidationStopsAreAnError() throws Exception {
        cluster.web(pod -> TestPods.crashing(pod, 126));
        cluster.create();

        assertSays(Verdict.ERROR, "1 pod stopped by istio-validation, as their traffic is not redirected: shop/web");
    }

    @Test
    void podsThatRepairHasLabelledAreAnError() throws Exception {
        cluster.web(pod -> pod.edit()
                .editMetadata()
                .addToLabels(ClusterPod.UNINITIALIZED, "true")
                .endMetadata()
                .build());
        cluster.create();

        assertSays(Verdict.ERROR, "1 pod labelled cni.istio.io/uninitialized");
    }

    @Test
    void aControlPlaneOutsideOfTheSkewIsNamed() throws Exception {
        int next = ProxyVersion.COMPATIBLE.minor() + 2;
        cluster.istiod("1." + next + ".0");
        cluster.create();

        assertSays(Verdict.WARNING, "istiod of revision default in istio-system is version 1." + next);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"istio_cni\":{\"enabled\":true}} | OK      | leaves istio-init out",
                "{\"pilot\":{}}                     | WARNING | it is not told of the CNI",
                "nonsense                           | UNKNOWN | are not there or not to be understood"
            })
    void anInjectorThatIsNotToldOfTheCniIsNamed(String values, Verdict verdict, String text) throws Exception {
        cluster.injectorValues(values);
        cluster.create();

        assertSays(verdict, text);
    }

    @Test
    void unchainedTheNetworkHasToBeWhereTheAnnotationNamesIt() throws Exception {
        cluster.agentSays(Optional.of(TestCluster.status(Optional.empty(), false, List.of())))
                .web(pod -> attached(pod, "other, istio-cni@net9"));
        cluster.create();
        cluster.network("default");

        assertSays(Verdict.ERROR, "no NetworkAttachmentDefinition shop/istio-cni");

        cluster.network("shop");

        assertSays(Verdict.OK, "Multus finds the network istio-cni for every injected pod (default/istio-cni, shop/");
    }

    @Test
    void unchainedAPodWithoutTheAnnotationIsNotRedirected() throws Exception {
        cluster.agentSays(Optional.of(TestCluster.status(Optional.empty(), false, List.of())));
        cluster.create();
        cluster.network("default");

        assertSays(Verdict.ERROR, "1 injected pod without the annotation k8s.v1.cni.cncf.io/networks");
    }

    @Test
    void unchainedTheInjectorsAnnotationCountsForNamespacesWithoutPods() throws Exception {
        cluster.agentSays(Optional.of(TestCluster.status(Optional.empty(), false, List.of())))
                .injectorValues("""
                        {"pilot":{"cni":{"enabled":true}},"sidecarInjectorWebhook":{"injectedAnnotations":
                         {"k8s.v1.cni.cncf.io/networks":"istio-cni"}}}""")
                .web(pod -> attached(pod, "default/istio-cni"));
        cluster.create();
        cluster.network("default");

        assertSays(Verdict.ERROR, "no NetworkAttachmentDefinition shop/istio-cni");
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
        "/api/v1/namespaces/istio-system/configmaps/istio-sidecar-injector, get on configmaps in namespace istio-system",
        "/api/v1/namespaces/istio-system/pods/istio-cni-node-a:8000/proxy/status, get on pods/proxy in namespace istio-",
        "/apis/k8s.cni.cncf.io/v1/network-attachment-definitions, list on network-attachment-definitions.k8s.cni.cncf.io"
    })
    void aRightThatIsMissingIsALineThatNamesIt(String path, String right) throws Exception {
        cluster.agentSays(Optional.of(TestCluster.status(Optional.empty(), false, List.of())))
                .web(pod -> attached(pod, "default/istio-cni"));
        server.fail(call -> call.path().replaceFirst("\\?.*", "").equals(path), ALWAYS, 403);
        cluster.create();
        cluster.network("default");

        ClusterReport report = examine();

        assertThat(report.hasErrors()).isFalse();
        assertThat(lines(report))
                .anyMatch(line -> line.startsWith("unknown ") && line.contains("your account lacks " + right))
                .anyMatch(line -> line.startsWith("ok "));
    }

    @Test
    void withoutAnyRightEachLineSaysSo() throws Exception {
        server.fail(_ -> true, ALWAYS, 403);
        cluster.create();

        assertThat(lines(examine())).isNotEmpty().allMatch(line -> line.startsWith("unknown "));
    }

    @Test
    void aServerThatCannotBeReachedIsTheOnlyLine() throws Exception {
        server.disconnect();

        ClusterReport report = examine();

        assertThat(report.hasErrors()).isTrue();
        assertThat(lines(report)).singleElement().asString().startsWith("error API server: " + server.url());
    }

    @Test
    void aServerThatNeverAnswersCostsOneTimeLimit() throws Exception {
        server.delay(_ -> true, ALWAYS, Duration.ofMinutes(5));

        ClusterReport report = examine();

        assertThat(lines(report)).singleElement().asString().contains("does not answer in time");
        assertThat(server.calls()).hasSize(1);
    }

    @Test
    void aCredentialThatIsNotAcceptedIsTheOnlyLine() throws Exception {
        server.fail(_ -> true, ALWAYS, 401);
        cluster.create();

        assertThat(lines(examine())).singleElement().asString().contains("does not accept your credential (401)");
    }

    @Test
    void aServerThatStopsAnsweringIsNotAskedAgain() throws Exception {
        cluster.create();
        server.delay(call -> call.path().startsWith("/api/v1/nodes"), ALWAYS, Duration.ofMinutes(5));

        List<String> lines = lines(examine());

        assertThat(server.calls()).hasSize(2);
        assertThat(lines)
                .anyMatch(line -> line.startsWith("unknown Nodes: ") && line.contains("does not answer in time"))
                .anyMatch(line -> line.startsWith("unknown Pods of the mesh: ") && line.contains("not asked"));
    }

    @Test
    void aLongListIsReadPageByPage() throws Exception {
        cluster.create();
        Predicate<Call> pods = call -> call.path().startsWith("/api/v1/pods?");
        server.answer(call -> pods.test(call) && !call.path().contains("continue=more"), 1, _ -> TestCluster.json("""
                {"kind": "PodList", "apiVersion": "v1", "metadata": {"continue": "more"}, "items": [
                  {"metadata": {"namespace": "shop", "name": "first-page"}, "spec": {}}]}"""));

        assertSays(Verdict.ERROR, "1 pod without a ServiceAccount (shop/first-page)");
        assertThat(server.calls(pods)).isEqualTo(2);
        assertThat(lines(examine())).anyMatch(line -> line.contains("1 proxy of Istio"));
    }

    @Test
    void aContextThatIsNotThereIsAnErrorThatNamesThoseThatAre() throws Exception {
        ClusterSettings settings = new ClusterSettings(
                server.settings(directory).kubeconfig(), Optional.of("prod"), Optional.empty(), Duration.ofSeconds(2));

        assertThatThrownBy(() -> ClusterDoctor.examine(settings))
                .isInstanceOf(DaemonException.class)
                .hasMessageContaining("no context \"prod\"")
                .hasMessageContaining("[test]");
    }

    @Test
    void aKubeconfigThatIsNotThereIsAnError() {
        ClusterSettings settings = new ClusterSettings(
                Optional.of(directory.resolve("none")), Optional.empty(), Optional.empty(), Duration.ofSeconds(2));

        assertThatThrownBy(() -> ClusterDoctor.examine(settings))
                .isInstanceOf(DaemonException.class)
                .hasMessageContaining(directory.resolve("none") + " cannot be read");
    }

    private void assertSays(Verdict verdict, String text) throws IOException {
        ClusterReport report = examine();
        List<Check> said = report.subjects().stream()
                .flatMap(subject -> subject.checks().stream())
                .filter(check -> check.what().contains(text))
                .toList();
        assertThat(said)
                .as(String.join("\n", lines(report)))
                .isNotEmpty()
                .allMatch(check -> check.verdict() == verdict);
        assertThat(report.hasErrors() || verdict != Verdict.ERROR).isTrue();
    }

    private ClusterReport examine() throws IOException {
        return examine(Optional.empty());
    }

    private ClusterReport examine(Optional<String> namespace) throws IOException {
        KubernetesSettings access = server.settings(directory);
        return ClusterDoctor.examine(
                new ClusterSettings(access.kubeconfig(), Optional.of("test"), namespace, Duration.ofSeconds(2)));
    }

    private static List<String> lines(ClusterReport report) {
        return report.subjects().stream()
                .flatMap(subject -> subject.checks().stream()
                        .map(check -> check.verdict().name().toLowerCase(Locale.ROOT) + " " + subject.title() + ": "
                                + check.what()))
                .toList();
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

    private static Pod withProxy(Pod pod, String image) {
        return pod.edit()
                .editSpec()
                .editLastContainer()
                .withImage(image)
                .endContainer()
                .endSpec()
                .build();
    }

    private static Pod attached(Pod pod, String networks) {
        return pod.edit()
                .editMetadata()
                .addToAnnotations("k8s.v1.cni.cncf.io/networks", networks)
                .endMetadata()
                .build();
    }
}
