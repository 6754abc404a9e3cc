// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import static dev.meshcni.testkit.Eventually.eventually;
import static dev.meshcni.testkit.TestPods.NAMESPACE;
import static dev.meshcni.testkit.TestPods.STATIC_UID;
import static dev.meshcni.testkit.TestPods.crashing;
import static dev.meshcni.testkit.TestPods.injected;
import static dev.meshcni.testkit.TestPods.mirror;
import static dev.meshcni.testkit.TestPods.started;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.kubernetes.KubernetesApi;
import dev.meshcni.kubernetes.KubernetesPodSource;
import dev.meshcni.kubernetes.KubernetesSettings;
import dev.meshcni.kubernetes.NodePodReader;
import dev.meshcni.kubernetes.PodSelection;
import dev.meshcni.redirect.MirrorPod;
import dev.meshcni.repair.RepairSettings.Mode;
import dev.meshcni.telemetry.AgentMetrics;
import dev.meshcni.testkit.CapturedLog;
import dev.meshcni.testkit.FakeApiServer;
import dev.meshcni.testkit.FakeApiServer.Call;
import dev.meshcni.testkit.Slow;
import dev.meshcni.testkit.TestPods;
import io.fabric8.kubernetes.api.model.Pod;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
@Slow
class RepairControllerTest {
    private static final Duration NO_ROUNDS = Duration.ZERO;
    private static final Duration FAST_ROUNDS = Duration.ofMillis(500);
    private static final String LABEL = "cni.istio.io/uninitialized";

    @TempDir
    private Path directory;

    private final FakeNamespaces namespaces = new FakeNamespaces();
    private final Set<String> redirectedHere = ConcurrentHashMap.newKeySet();
    private final AgentMetrics metrics = new AgentMetrics(() -> 0, () -> 0, () -> 0);
    private final AtomicLong redirections = new AtomicLong();
    private volatile Optional<String> cannotRedirect = Optional.empty();
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
    void aPodThatHasNoProcessYetIsLookedIntoAgainWhenItHasStarted() throws Exception {
        Pod web = server.create(started(injected("web")));
        try (CapturedLog log = CapturedLog.of(RepairController.class)) {
            start(Mode.REPAIR);
            eventually("it was looked for", () -> namespaces.looks() > 0);
            namespaces.add(uid(web));
            server.update(NAMESPACE, "web", TestPods::started);

            eventually("the pod is redirected", () -> namespaces.isRedirected(uid(web)));
            assertThat(log.lines()).noneMatch(line -> line.startsWith("WARN"));
        }
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
        redirectedHere.add(uid(create(started(injected("ours")))));
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
        Pod web = create(started(injected("web")));
        redirectedHere.add(uid(web));
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

    @ParameterizedTest
    @EnumSource(
            value = Mode.class,
            names = {"REPAIR", "DELETE", "LABEL"})
    void aStaticPodIsLookedIntoAndNotChanged(Mode mode) throws Exception {
        server.create(mirror(started(injected("static")), STATIC_UID));
        namespaces.add(STATIC_UID);
        start(mode, NO_ROUNDS, true);

        eventually("it is counted", () -> counted(mode.label(), "skip", 1));
        assertThat(server.pod(NAMESPACE, "static")).isPresent();
        assertThat(server.calls(RepairControllerTest::isWrite)).isZero();
        assertThat(namespaces.isRedirected(STATIC_UID)).isFalse();
    }

    @ParameterizedTest
    @EnumSource(
            value = Mode.class,
            names = {"REPAIR", "DELETE", "LABEL"})
    void aStaticPodThatTwoPodsClaimToBeIsNotLookedInto(Mode mode) throws Exception {
        server.create(mirror(started(injected("static")), STATIC_UID));
        server.create(mirror(started(injected("other")), STATIC_UID));
        namespaces.add(STATIC_UID);
        start(mode, FAST_ROUNDS, true);

        eventually("both were looked for", () -> namespaces.looks() > 4);
        assertThat(counted(mode.label(), "skip", 0)).isTrue();
        assertThat(server.calls(RepairControllerTest::isWrite)).isZero();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void noAnnotationOfAPodLeadsIntoTheNamespaceOfAnotherOne(boolean mirror) throws Exception {
        Pod victim = create(started(injected("victim")
                .edit()
                .editMetadata()
                .withAnnotations(null)
                .endMetadata()
                .build()));
        Pod attacker = create(naming(started(injected("attacker")), uid(victim), mirror));
        Pod last = create(started(injected("last")));
        start(Mode.REPAIR, FAST_ROUNDS, true);

        eventually("the others are redirected", () -> namespaces.isRedirected(uid(last)));
        eventually("several rounds are over", () -> namespaces.looks() > 8);
        // A mirror has no namespace of its own: no kubelet runs it.
        assertThat(namespaces.isRedirected(uid(attacker))).isEqualTo(!mirror);
        assertThat(namespaces.isRedirected(uid(victim))).isFalse();
    }

    @Test
    void nothingIsDeletedWhileTheNodeCannotRedirect() throws Exception {
        cannotRedirect = Optional.of("the configuration cannot be written");
        Pod web = create(started(injected("web")));
        try (CapturedLog log = CapturedLog.of(RepairAction.class)) {
            start(Mode.DELETE, FAST_ROUNDS, false);

            eventually(
                    "it is said",
                    () -> log.lines().toString().contains("repair suspended, because this node cannot redirect"));
            assertThat(log.lines().toString()).contains("the configuration cannot be written");
            eventually("several rounds are over", () -> namespaces.looks() > 8);
            assertThat(server.pod(NAMESPACE, "web")).contains(web);
            cannotRedirect = Optional.empty();

            eventually("the pod is gone", () -> server.pod(NAMESPACE, "web").isEmpty());
        }
    }

    @Test
    void thePodsOfOneControllerAreReplacedOneAfterTheOther() throws Exception {
        for (String name : List.of("one", "two", "three")) {
            create(owned(started(injected(name)), "replica-set"));
        }
        create(owned(started(injected("of-another")), "other-replica-set"));
        create(started(injected("of-none")));
        start(Mode.DELETE);

        eventually("three are gone", () -> server.calls(call -> call.path().endsWith("/eviction")) == 3);
        assertThat(List.of("one", "two", "three"))
                .filteredOn(name -> server.pod(NAMESPACE, name).isPresent())
                .hasSize(2);
    }

    @Test
    void deletionsEndWhereNoRuntimeCallsThePluginAndGoOnWhenOneDoes() throws Exception {
        for (String name : List.of("one", "two", "three", "four", "five")) {
            create(started(injected(name)));
        }
        try (CapturedLog log = CapturedLog.of(RepairAction.class)) {
            start(Mode.DELETE, FAST_ROUNDS, false);

            eventually(
                    "it is said", () -> log.lines().toString().contains("no container runtime has called the plugin"));
            assertThat(evictions()).isEqualTo(3);
            eventually("it is shown", () -> scrape().contains("meshcni_repair_suspended 1.0"));
            int looks = namespaces.looks();
            eventually("several rounds are over", () -> namespaces.looks() > looks + 20);
            assertThat(evictions()).isEqualTo(3);
            assertThat(scrape()).contains("meshcni_unredirected_pods 2.0");
            assertThat(log.lines())
                    .filteredOn(line -> line.contains("no container runtime"))
                    .hasSize(1);
        }
        redirections.incrementAndGet();

        eventually("the others go as well", () -> evictions() == 5);
        eventually("it is shown", () -> scrape().contains("meshcni_repair_suspended 0.0"));
        eventually("none is left", () -> scrape().contains("meshcni_unredirected_pods 0.0"));
    }

    @Test
    void aLabelledPodWithoutRedirectionIsCounted() throws Exception {
        Pod web = create(started(injected("web")));
        start(Mode.LABEL, FAST_ROUNDS, false);

        eventually("the label is set", () -> server.calls(call -> call.path().endsWith("/status")) == 1);
        int looks = namespaces.looks();
        eventually("several rounds are over", () -> namespaces.looks() > looks + 10);
        assertThat(scrape()).contains("meshcni_drifted_pods 1.0", "meshcni_unredirected_pods 1.0");

        namespaces.redirect(uid(web));

        eventually(
                "it is as it should be",
                () -> scrape().contains("meshcni_drifted_pods 0.0")
                        && scrape().contains("meshcni_unredirected_pods 0.0"));
    }

    @Test
    void nothingIsLabelledWhileTheNodeCannotRedirect() throws Exception {
        cannotRedirect = Optional.of("the plugin is not installed");
        create(started(injected("web")));
        start(Mode.LABEL, FAST_ROUNDS, false);

        eventually("it is counted", () -> scrape().contains("meshcni_unredirected_pods 1.0"));
        eventually("several rounds are over", () -> namespaces.looks() > 8);
        assertThat(server.calls(RepairControllerTest::isWrite)).isZero();
        cannotRedirect = Optional.empty();

        eventually("the label is set", () -> server.calls(call -> call.path().endsWith("/status")) == 1);
    }

    @Test
    void aPodThatWasSetUpWhileThePluginWasMissingIsRedirectedBeforeItsContainersStart() throws Exception {
        start(Mode.REPAIR);
        Pod early = create(injected("early"));
        Pod added = create(injected("added"));
        redirectedHere.add(uid(added));

        controller.pluginWasMissing();
        Pod late = create(injected("late"));

        eventually("the pod is redirected", () -> namespaces.isRedirected(uid(early)));
        eventually("so is one that comes to be known later", () -> namespaces.isRedirected(uid(late)));
        assertThat(namespaces.applied()).isEqualTo(2);
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

    @ParameterizedTest
    @EnumSource(Mode.class)
    void aCrashChangesNothingWhereTheNamespaceCannotBeSeen(Mode mode) throws Exception {
        namespaces.hide();
        create(crashing(injected("web"), 126));
        try (CapturedLog log = CapturedLog.of(RepairController.class)) {
            start(mode, FAST_ROUNDS, true);

            eventually("it is said", () -> log.lines().toString().contains("pods are not repaired in place: hidden"));
            assertThat(server.calls(RepairControllerTest::isWrite)).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    void aCrashChangesNothingWhereTheRedirectionIsThere(Mode mode) throws Exception {
        Pod web = create(started(injected("web")));
        start(Mode.REPAIR);
        eventually("the pod is redirected", () -> namespaces.isRedirected(uid(web)));
        eventually("it has its event", () -> server.calls(RepairControllerTest::isEvent) == 1);
        controller.close();
        pods.close();
        api.close();
        int looks = namespaces.looks();
        server.update(NAMESPACE, "web", pod -> crashing(pod, 126));

        start(mode, FAST_ROUNDS, true);

        eventually("several rounds are over", () -> namespaces.looks() > looks + 4);
        assertThat(server.calls(RepairControllerTest::isWrite)).isEqualTo(1);
        assertThat(namespaces.applied()).isEqualTo(1);
    }

    @Test
    void rulesThatWereChangedAreReportedAndLeftAlone() throws Exception {
        Pod web = create(started(injected("web")));
        redirectedHere.add(uid(web));
        namespaces.change(uid(web));
        start(Mode.REPAIR, FAST_ROUNDS, false);

        eventually("it is counted", () -> scrape().contains("meshcni_drifted_pods 1.0"));
        assertThat(namespaces.applied()).isZero();
        server.delete(NAMESPACE, "web");
        eventually("it is forgotten", () -> scrape().contains("meshcni_drifted_pods 0.0"));
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    void rulesThatCannotBeReadAreReportedAndNeverFine(Mode mode) throws Exception {
        Pod web = create(started(injected("web")));
        namespaces.garble(uid(web));
        try (CapturedLog log = CapturedLog.of(RepairController.class)) {
            start(mode, FAST_ROUNDS, true);

            eventually("it is counted", () -> scrape().contains("meshcni_unreadable_pods 1.0"));
            int looks = namespaces.looks();
            eventually("several rounds are over", () -> namespaces.looks() > looks + 4);
            assertThat(log.lines())
                    .containsExactly("WARN cannot read the rules of pod shop/web, redirection unknown: garbled");
            assertThat(server.calls(RepairControllerTest::isWrite)).isZero();
        }
        server.delete(NAMESPACE, "web");
        eventually("it is forgotten", () -> scrape().contains("meshcni_unreadable_pods 0.0"));
    }

    @Test
    void rulesThatWereChangedArePutRightWhereThatIsAllowed() throws Exception {
        Pod web = create(started(injected("web")));
        redirectedHere.add(uid(web));
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
        api = KubernetesApi.open(new KubernetesSettings(
                FakeApiServer.NODE, Optional.of(server.kubeconfig(directory)), Duration.ofSeconds(2)));
        pods = KubernetesPodSource.start(api, new NodePodReader(settings.selection(), settings.labelKey()));
        eventually("the pods are known", () -> pods.notReady().isEmpty());
        PodInspector inspector = new PodInspector(Set.of(), namespaces, namespaces, _ -> Set.of());
        controller = RepairController.start(
                pods,
                inspector,
                new RepairAction(
                        api,
                        inspector,
                        settings,
                        metrics,
                        new RedirectingNode(() -> cannotRedirect, redirections::get)),
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

    /** A pod whose author has written the UID of another one wherever the kubelet writes that of a static pod. */
    private static Pod naming(Pod pod, String other, boolean mirror) {
        return mirror
                ? mirror(pod, other.replace("-", ""))
                : pod.edit()
                        .editMetadata()
                        .addToAnnotations(MirrorPod.CONFIG_HASH, other)
                        .endMetadata()
                        .build();
    }

    private static Pod owned(Pod pod, String controller) {
        return pod.edit()
                .editMetadata()
                .addNewOwnerReference()
                .withKind("ReplicaSet")
                .withName(controller)
                .withUid(controller)
                .withController(true)
                .endOwnerReference()
                .endMetadata()
                .build();
    }

    private static String uid(Pod pod) {
        return pod.getMetadata().getUid();
    }

    private static boolean isEvent(Call call) {
        return call.method().equals("POST") && call.path().endsWith("/events");
    }

    private long evictions() {
        return server.calls(call -> call.path().endsWith("/eviction"));
    }

    private static boolean isWrite(Call call) {
        return !call.method().equals("GET");
    }

    private boolean counted(String type, String result, int times) {
        String counter = "istio_cni_repair_pods_repaired_total{result=\"" + result + "\",type=\"" + type + "\"}";
        return scrape().contains(counter + " " + times + ".0");
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
