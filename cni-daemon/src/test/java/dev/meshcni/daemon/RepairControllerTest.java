package dev.meshcni.daemon;

import static dev.meshcni.daemon.Eventually.eventually;
import static dev.meshcni.daemon.TestPods.NAMESPACE;
import static dev.meshcni.daemon.TestPods.crashing;
import static dev.meshcni.daemon.TestPods.injected;
import static dev.meshcni.daemon.TestPods.started;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.core.RedirectPolicy;
import dev.meshcni.daemon.FakeApiServer.Call;
import dev.meshcni.daemon.RepairSettings.Mode;
import io.fabric8.kubernetes.api.model.Pod;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class RepairControllerTest {
    private static final Duration NO_ROUNDS = Duration.ZERO;
    private static final Duration FAST_ROUNDS = Duration.ofMillis(500);
    private static final String LABEL = "cni.istio.io/uninitialized";

    @TempDir
    private Path directory;

    private final FakeNamespaces namespaces = new FakeNamespaces();
    private final Set<String> redirectedHere = ConcurrentHashMap.newKeySet();
    private final AgentMetrics metrics = new AgentMetrics(() -> 0, () -> 0, () -> 0);
    private FakeApiServer server;
    private KubernetesApi api;
    private KubernetesPodSource pods;
    private RepairController controller;

    @BeforeEach
    void startServer() throws IOException {
        server = new FakeApiServer();
    }

    @AfterEach
    void stopAll() throws IOException {
        controller.close();
        pods.close();
        api.close();
        server.close();
    }

    @Test
    void aPodThatRanBeforeTheDaemonIsRedirectedWhileItRuns() throws Exception {
        Pod web = create(started(injected("web")));
        start(Mode.REPAIR);

        eventually("the pod is redirected", () -> namespaces.isRedirected(uid(web)));
        eventually("it is counted", () -> counted("repair", "success", 1));
        eventually("it has an event", () -> server.calls(RepairControllerTest::isEvent) == 1);
        assertThat(server.pod(NAMESPACE, "web").orElseThrow().getMetadata().getUid())
                .isEqualTo(uid(web));
    }

    @Test
    void aPodThatStartsLaterIsFoundByTheWatch() throws Exception {
        start(Mode.REPAIR);
        Pod web = create(injected("web"));
        server.update(NAMESPACE, "web", TestPods::started);

        eventually("the pod is redirected", () -> namespaces.isRedirected(uid(web)));
    }

    @Test
    void aPodWhoseValidationFailsIsRedirectedWhileItRuns() throws Exception {
        Pod web = create(crashing(injected("web"), 126));
        start(Mode.REPAIR);

        eventually("the pod is redirected", () -> namespaces.isRedirected(uid(web)));
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    void aHealthyPodIsNeverTouched(Mode mode) throws Exception {
        create(started(injected("not-injected")
                .edit()
                .editMetadata()
                .withAnnotations(null)
                .endMetadata()
                .build()));
        Pod healthy = create(started(injected("healthy")));
        start(Mode.REPAIR);
        eventually("the pod is redirected", () -> namespaces.isRedirected(uid(healthy)));
        eventually("it has its event", () -> server.calls(RepairControllerTest::isEvent) == 1);
        controller.close();
        pods.close();
        api.close();
        long writes = server.calls(RepairControllerTest::isWrite);
        int applied = namespaces.applied();
        int looks = namespaces.looks();

        start(mode, FAST_ROUNDS, false);
        eventually("several rounds are over", () -> namespaces.looks() > looks + 20);

        assertThat(server.calls(RepairControllerTest::isWrite)).isEqualTo(writes);
        assertThat(namespaces.applied()).isEqualTo(applied);
    }

    @Test
    void aPodThatHasNotStartedIsLeftToItsOwnAdd() throws Exception {
        Pod early = create(injected("early"));
        Pod web = create(started(injected("web")));
        start(Mode.REPAIR);

        eventually("the other pod is redirected", () -> namespaces.isRedirected(uid(web)));
        assertThat(namespaces.isRedirected(uid(early))).isFalse();
    }

    @Test
    void aPodThatThisAgentHasRedirectedIsNotLookedInto() throws Exception {
        redirectedHere.add("shop/ours");
        create(started(injected("ours")));
        start(Mode.REPAIR);
        Pod other = create(started(injected("other")));
        eventually("the other pod is redirected", () -> namespaces.isRedirected(uid(other)));

        assertThat(namespaces.applied()).isEqualTo(1);
    }

    @Test
    void aPodOnItsWayOutIsLeftAlone() throws Exception {
        Pod finished = create(started(injected("finished"))
                .edit()
                .editStatus()
                .withPhase("Succeeded")
                .endStatus()
                .build());
        Pod web = create(started(injected("web")));
        start(Mode.REPAIR, FAST_ROUNDS, true);

        eventually("the other pod is redirected", () -> namespaces.isRedirected(uid(web)));
        assertThat(namespaces.isRedirected(uid(finished))).isFalse();
    }

    @Test
    void aRepairThatFailsIsTriedAgain() throws Exception {
        namespaces.fail(2);
        Pod web = create(started(injected("web")));
        start(Mode.REPAIR);

        eventually("the pod is redirected", () -> namespaces.isRedirected(uid(web)));
        eventually("all is counted", () -> counted("repair", "fail", 2) && counted("repair", "success", 1));
    }

    @Test
    void aPodIsRepairedWhileTheServerIsGone() throws Exception {
        redirectedHere.add("shop/web");
        Pod web = create(started(injected("web")));
        start(Mode.REPAIR, FAST_ROUNDS, false);
        namespaces.clear(uid(web));
        server.disconnect();

        eventually("the pod is redirected", () -> namespaces.isRedirected(uid(web)));
    }

    @Test
    void eventsThatAreForbiddenDoNotKeepAPodFromRepair() throws Exception {
        server.fail(RepairControllerTest::isEvent, Integer.MAX_VALUE, 403);
        Pod one = create(started(injected("one")));
        Pod two = create(started(injected("two")));
        start(Mode.REPAIR);

        eventually("both are redirected", () -> namespaces.isRedirected(uid(one)) && namespaces.isRedirected(uid(two)));
    }

    @Test
    void modeDeleteEvictsJustThePodThatWasSeen() throws Exception {
        Pod web = create(started(injected("web")));
        start(Mode.DELETE);

        eventually("the pod is gone", () -> server.pod(NAMESPACE, "web").isEmpty());
        Call eviction = server.calls().stream()
                .filter(call -> call.path().endsWith("/eviction"))
                .findFirst()
                .orElseThrow();
        assertThat(eviction.body())
                .contains("\"uid\":\"" + uid(web) + "\"")
                .contains("\"resourceVersion\":\"" + web.getMetadata().getResourceVersion() + "\"");
        eventually("it is counted", () -> counted("delete", "success", 1));
        assertThat(namespaces.applied()).isZero();
    }

    @Test
    void aPodWhoseBudgetForbidsItIsNotDeleted() throws Exception {
        server.fail(call -> call.path().endsWith("/eviction"), Integer.MAX_VALUE, 429);
        create(started(injected("web")));
        start(Mode.DELETE);

        eventually("it is counted", () -> counted("delete", "skip", 1));
        assertThat(server.pod(NAMESPACE, "web")).isPresent();
        assertThat(server.calls(call -> call.method().equals("DELETE"))).isZero();
    }

    @Test
    void aPodThatHasChangedIsLookedAtAgainBeforeItIsDeleted() throws Exception {
        server.fail(call -> call.path().endsWith("/eviction"), 1, 409);
        create(started(injected("web")));
        start(Mode.DELETE);

        eventually("the pod is gone", () -> server.pod(NAMESPACE, "web").isEmpty());
        assertThat(namespaces.looks()).isGreaterThan(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {401, 403, 500})
    void aDeletionThatIsRefusedIsCountedAndTriedAgain(int status) throws Exception {
        server.fail(call -> call.path().endsWith("/eviction"), 2, status);
        create(started(injected("web")));
        start(Mode.DELETE);

        eventually("the pod is gone", () -> server.pod(NAMESPACE, "web").isEmpty());
    }

    @Test
    void aStaticPodIsNotDeleted() throws Exception {
        create(
                started(injected("static")
                        .edit()
                        .editMetadata()
                        .addToAnnotations(dev.meshcni.core.Pod.CONFIG_HASH, "hash")
                        .endMetadata()
                        .build()),
                "hash");
        start(Mode.DELETE);

        eventually("it is counted", () -> counted("delete", "skip", 1));
        assertThat(server.pod(NAMESPACE, "static")).isPresent();
        assertThat(server.calls(RepairControllerTest::isWrite)).isZero();
    }

    @Test
    void modeLabelSetsTheLabelOnce() throws Exception {
        create(started(injected("web")));
        start(Mode.LABEL, FAST_ROUNDS, false);

        eventually(
                "the label is set",
                () -> server.pod(NAMESPACE, "web")
                        .filter(pod ->
                                "true".equals(pod.getMetadata().getLabels().get(LABEL)))
                        .isPresent());
        eventually("later rounds skip it", () -> !counted("label", "skip", 0));
        assertThat(server.calls(call -> call.method().equals("PATCH"))).isEqualTo(1);
        assertThat(server.calls(call -> call.path().endsWith("/status"))).isEqualTo(1);
    }

    @Test
    void aCrashLoopIsBelievedWhereTheNamespaceCannotBeSeen() throws Exception {
        namespaces.hide();
        create(crashing(injected("web"), 126));
        create(started(injected("running")));
        start(Mode.DELETE);

        eventually("the pod is gone", () -> server.pod(NAMESPACE, "web").isEmpty());
        assertThat(server.pod(NAMESPACE, "running")).isPresent();
    }

    @Test
    void aCrashForAnotherReasonIsNotBelieved() throws Exception {
        namespaces.hide();
        create(crashing(injected("other"), 1));
        create(crashing(injected("web"), 126));
        start(Mode.DELETE);

        eventually("the pod is gone", () -> server.pod(NAMESPACE, "web").isEmpty());
        assertThat(server.pod(NAMESPACE, "other")).isPresent();
    }

    @Test
    void rulesThatWereChangedAreReportedAndLeftAlone() throws Exception {
        redirectedHere.add("shop/web");
        Pod web = create(started(injected("web")));
        namespaces.change(uid(web));
        start(Mode.REPAIR, FAST_ROUNDS, false);

        eventually("it is counted", () -> scrape().contains("meshcni_drifted_pods 1.0"));
        assertThat(namespaces.applied()).isZero();
        server.delete(NAMESPACE, "web");
        eventually("it is forgotten", () -> scrape().contains("meshcni_drifted_pods 0.0"));
    }

    @Test
    void rulesThatWereChangedArePutRightWhereThatIsAllowed() throws Exception {
        redirectedHere.add("shop/web");
        Pod web = create(started(injected("web")));
        namespaces.change(uid(web));
        start(Mode.REPAIR, FAST_ROUNDS, true);

        eventually("the pod is redirected", () -> namespaces.isRedirected(uid(web)));
        eventually("nothing differs", () -> scrape().contains("meshcni_drifted_pods 0.0"));
    }

    @Test
    void aPodThatTheSelectorsDoNotMeanIsLeftAlone() throws Exception {
        Pod other = create(started(injected("other")));
        Pod web = create(started(injected("web")
                .edit()
                .editMetadata()
                .addToLabels("app", "web")
                .endMetadata()
                .build()));
        start(settings(Mode.REPAIR, FAST_ROUNDS, true, PodSelection.parse("", "app=web", "")));

        eventually("the pod is redirected", () -> namespaces.isRedirected(uid(web)));
        assertThat(namespaces.isRedirected(uid(other))).isFalse();
    }

    private void start(Mode mode) throws Exception {
        start(mode, NO_ROUNDS, false);
    }

    private void start(Mode mode, Duration rounds, boolean driftRepair) throws Exception {
        start(settings(mode, rounds, driftRepair, PodSelection.parse("", "", "")));
    }

    private void start(RepairSettings settings) throws Exception {
        api = KubernetesApi.open(server.settings(directory));
        pods = KubernetesPodSource.start(api, new NodePodReader(settings.selection(), settings.labelKey()));
        eventually("the pods are known", () -> pods.notReady().isEmpty());
        PodInspector inspector = new PodInspector(new RedirectPolicy(Set.of()), namespaces, namespaces, _ -> Set.of());
        controller = RepairController.start(
                pods,
                inspector,
                new PodRemedy(api, inspector, settings, metrics),
                settings,
                redirectedHere::contains,
                metrics);
    }

    private static RepairSettings settings(Mode mode, Duration rounds, boolean driftRepair, PodSelection selection) {
        return new RepairSettings(
                mode,
                true,
                LABEL,
                "true",
                new RepairSettings.CrashSign("istio-validation", 126, ""),
                selection,
                rounds,
                driftRepair,
                6000);
    }

    private Pod create(Pod pod) {
        Pod created = server.create(pod);
        namespaces.add(uid(created));
        return created;
    }

    private void create(Pod pod, String runtimeUid) {
        server.create(pod);
        namespaces.add(runtimeUid);
    }

    private static String uid(Pod pod) {
        return pod.getMetadata().getUid();
    }

    private static boolean isEvent(Call call) {
        return call.method().equals("POST") && call.path().endsWith("/events");
    }

    private static boolean isWrite(Call call) {
        return !call.method().equals("GET");
    }

    private boolean counted(String type, String result, int times) {
        String counter = "istio_cni_repair_pods_repaired_total{result=\"" + result + "\",type=\"" + type + "\"}";
        String scrape = scrape();
        return times == 0 ? !scrape.contains(counter) : scrape.contains(counter + " " + times + ".0");
    }

    private String scrape() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            metrics.write(metrics.writer(""), out);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return out.toString(StandardCharsets.UTF_8);
    }
}
