package dev.meshcni.daemon;

import static dev.meshcni.daemon.Eventually.eventually;
import static dev.meshcni.daemon.TestPods.NAMESPACE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.core.Pod;
import dev.meshcni.core.PodSourceException;
import dev.meshcni.daemon.FakeApiServer.Call;
import io.fabric8.mockwebserver.http.MockResponse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class KubernetesPodSourceTest {
    private static final Duration SHORT = Duration.ofMillis(50);
    private static final Duration LONG = Duration.ofSeconds(30);
    private static final String ANY = "";

    @TempDir
    private Path directory;

    private FakeApiServer server;
    private KubernetesApi api;
    private KubernetesPodSource source;

    @BeforeEach
    void startServer() throws IOException {
        server = new FakeApiServer();
    }

    @AfterEach
    void stopAll() throws IOException {
        if (source != null) {
            source.close();
        }
        if (api != null) {
            api.close();
        }
        server.close();
    }

    @Test
    void aPodThatTheWatchHasShownCostsNoRequest() throws Exception {
        io.fabric8.kubernetes.api.model.Pod web = server.create(TestPods.injected("web"));
        start();
        long before = server.calls().size();

        Optional<Pod> found = source.find(NAMESPACE, "web", uid(web), LONG);

        assertThat(found.orElseThrow().uid()).isEqualTo(uid(web));
        assertThat(server.calls()).hasSize((int) before);
    }

    @Test
    void onlyThePodsOfThisNodeAreAskedFor() throws Exception {
        server.create(TestPods.injected("web"));
        server.create(TestPods.elsewhere("far"));
        start();

        assertThat(source.pods()).extracting(NodePod::key).containsExactly("shop/web");
        assertThat(server.calls(Call::isList)).isEqualTo(1);
        assertThat(server.calls()).allMatch(call -> call.path().contains("fieldSelector=spec.nodeName"));
    }

    @Test
    void aPodThatComesLaterIsWaitedFor() throws Exception {
        start();
        Future<Optional<Pod>> found = inBackground(() -> source.find(NAMESPACE, "late", ANY, LONG));

        io.fabric8.kubernetes.api.model.Pod late = server.create(TestPods.injected("late"));

        assertThat(found.get(20, TimeUnit.SECONDS).orElseThrow().uid()).isEqualTo(uid(late));
        assertThat(server.calls(Call::isGetOfPod)).isZero();
    }

    @Test
    void everyOneOfManyThatWaitGetsItsPod() throws Exception {
        start();
        List<Future<Optional<Pod>>> found = java.util.stream.IntStream.range(0, 50)
                .mapToObj(i -> inBackground(() -> source.find(NAMESPACE, "pod-" + i % 10, ANY, LONG)))
                .toList();

        for (int i = 0; i < 10; i++) {
            server.create(TestPods.injected("pod-" + i));
        }

        for (int i = 0; i < found.size(); i++) {
            assertThat(found.get(i).get(20, TimeUnit.SECONDS).orElseThrow().name())
                    .isEqualTo("pod-" + i % 10);
        }
    }

    @Test
    void aPodThatTheWatchDoesNotShowIsAskedForOnce() throws Exception {
        server.silenceWatches(1);
        start();
        io.fabric8.kubernetes.api.model.Pod hidden = server.create(TestPods.injected("hidden"));

        Optional<Pod> found = source.find(NAMESPACE, "hidden", uid(hidden), SHORT);

        assertThat(found.orElseThrow().uid()).isEqualTo(uid(hidden));
        assertThat(server.calls(Call::isGetOfPod)).isEqualTo(1);
    }

    @Test
    void aWatchThatHasDiedWithoutAWordIsOpenedAnew() throws Exception {
        server.silenceWatches(1);
        start();
        server.create(TestPods.injected("hidden"));
        source.allowReopening();

        assertThat(source.find(NAMESPACE, "hidden", ANY, Duration.ofSeconds(5))).isPresent();

        eventually(
                "the new watch shows the pod", () -> source.pod("shop/hidden").isPresent());
    }

    @Test
    void aPodThatDoesNotExistIsNotFound() throws Exception {
        start();

        assertThat(source.find(NAMESPACE, "nobody", ANY, SHORT)).isEmpty();
    }

    @Test
    void aPodOfAnotherNodeIsNotFound() throws Exception {
        server.create(TestPods.elsewhere("far"));
        start();

        assertThat(source.find(NAMESPACE, "far", ANY, SHORT)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"..", "a/b", "", "UPPER", "a?watch=true", "x\ny"})
    void aNameThatNoPodCanHaveIsNotAskedFor(String name) throws Exception {
        start();
        long before = server.calls().size();

        assertThat(source.find(NAMESPACE, name, ANY, SHORT)).isEmpty();
        assertThat(source.find(name, "web", ANY, SHORT)).isEmpty();
        assertThat(server.calls()).hasSize((int) before);
    }

    @Test
    void aPodOfAnotherUidIsNeverServed() throws Exception {
        server.create(TestPods.injected("web"));
        start();

        assertThat(source.find(NAMESPACE, "web", "another-uid", SHORT)).isEmpty();
    }

    @Test
    void theSuccessorOfAPodIsWaitedForByItsUid() throws Exception {
        io.fabric8.kubernetes.api.model.Pod first = server.create(TestPods.injected("web-0"));
        start();
        server.delete(NAMESPACE, "web-0");
        io.fabric8.kubernetes.api.model.Pod second = server.create(TestPods.injected("web-0"));

        Optional<Pod> found = source.find(NAMESPACE, "web-0", uid(second), LONG);

        assertThat(found.orElseThrow().uid()).isEqualTo(uid(second)).isNotEqualTo(uid(first));
        assertThat(source.find(NAMESPACE, "web-0", uid(first), SHORT)).isEmpty();
    }

    @Test
    void theMirrorOfAStaticPodIsFoundByItsHash() throws Exception {
        server.create(TestPods.injected("static-node-a")
                .edit()
                .editMetadata()
                .addToAnnotations(Pod.CONFIG_HASH, "hash-of-the-manifest")
                .endMetadata()
                .build());
        start();

        assertThat(source.find(NAMESPACE, "static-node-a", "hash-of-the-manifest", LONG))
                .isPresent();
    }

    @Test
    void withoutAUidAPodOnItsWayOutIsNotTakenForItsSuccessor() throws Exception {
        io.fabric8.kubernetes.api.model.Pod old = server.create(withFinalizer(TestPods.injected("web-0")));
        start();
        server.delete(NAMESPACE, "web-0");
        eventually(
                "the deletion is seen",
                () -> source.pod("shop/web-0")
                        .filter(pod -> pod.stage() == NodePod.Stage.TERMINATING)
                        .isPresent());
        Future<Optional<Pod>> found = inBackground(() -> source.find(NAMESPACE, "web-0", ANY, LONG));

        server.update(NAMESPACE, "web-0", pod -> withoutFinalizer(pod));
        io.fabric8.kubernetes.api.model.Pod successor = server.create(TestPods.injected("web-0"));

        assertThat(found.get(20, TimeUnit.SECONDS).orElseThrow().uid())
                .isEqualTo(uid(successor))
                .isNotEqualTo(uid(old));
    }

    @Test
    void knownPodsAreServedWhileTheServerIsGoneAndOthersAreForLater() throws Exception {
        io.fabric8.kubernetes.api.model.Pod web = server.create(TestPods.injected("web"));
        start();
        server.disconnect();

        assertThat(source.find(NAMESPACE, "web", uid(web), SHORT)).isPresent();
        assertThatThrownBy(() -> source.find(NAMESPACE, "unknown", ANY, SHORT))
                .isInstanceOf(PodSourceException.class)
                .hasMessageContaining("shop/unknown");
        assertThat(source.notReady()).isEmpty();
    }

    @Test
    void whatHappenedWhileTheServerWasGoneIsKnownAfterwards() throws Exception {
        server.create(TestPods.injected("deleted"));
        io.fabric8.kubernetes.api.model.Pod old = server.create(TestPods.injected("replaced"));
        server.create(TestPods.injected("changed"));
        start();
        server.disconnect();

        server.delete(NAMESPACE, "deleted");
        server.delete(NAMESPACE, "replaced");
        io.fabric8.kubernetes.api.model.Pod replacement = server.create(TestPods.injected("replaced"));
        server.create(TestPods.injected("added"));
        server.update(
                NAMESPACE,
                "changed",
                pod -> pod.edit()
                        .editMetadata()
                        .addToAnnotations("traffic.sidecar.istio.io/excludeInboundPorts", "7")
                        .endMetadata()
                        .build());
        server.expireWatches(1);
        server.reconnect();

        eventually("what was added is known", () -> source.pod("shop/added").isPresent());
        eventually("what was deleted is gone", () -> source.pod("shop/deleted").isEmpty());
        assertThat(source.pod("shop/replaced").orElseThrow().pod().uid())
                .isEqualTo(uid(replacement))
                .isNotEqualTo(uid(old));
        assertThat(source.pod("shop/changed").orElseThrow().pod().annotations())
                .containsEntry("traffic.sidecar.istio.io/excludeInboundPorts", "7");
    }

    @Test
    void aPodIsFoundAcrossCutConnections() throws Exception {
        start();
        for (int round = 0; round < 5; round++) {
            String name = "round-" + round;
            server.cut();
            io.fabric8.kubernetes.api.model.Pod pod = server.create(TestPods.injected(name));

            assertThat(source.find(NAMESPACE, name, uid(pod), LONG)).isPresent();
        }
    }

    @Test
    void aWatchWhoseVersionIsForgottenStartsWithANewList() throws Exception {
        server.expireWatches(2);
        start();
        io.fabric8.kubernetes.api.model.Pod web = server.create(TestPods.injected("web"));

        assertThat(source.find(NAMESPACE, "web", uid(web), LONG)).isPresent();
        assertThat(server.calls(Call::isList)).isGreaterThan(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {401, 403, 404, 410, 429, 500, 503})
    void theFirstListIsTriedUntilItIsAnswered(int status) throws Exception {
        io.fabric8.kubernetes.api.model.Pod web = server.create(TestPods.injected("web"));
        server.fail(Call::isList, Integer.MAX_VALUE, status);
        open(server.settings(directory));
        eventually("the server has refused", () -> source.notReady().orElse("").contains(String.valueOf(status)));
        assertThatThrownBy(() -> source.find(NAMESPACE, "other-" + status, ANY, Duration.ZERO)
                        .orElseThrow(() -> new PodSourceException("not found")))
                .isInstanceOf(PodSourceException.class);

        server.mendAll();

        assertThat(source.find(NAMESPACE, "web", uid(web), LONG)).isPresent();
        eventually("it is ready", () -> source.notReady().isEmpty());
    }

    @ParameterizedTest
    @ValueSource(ints = {401, 403, 404, 410, 429, 500, 503})
    void aWatchThatIsRefusedIsTakenUpAgain(int status) throws Exception {
        start();
        server.fail(Call::isWatch, 2, status);
        server.cut();
        io.fabric8.kubernetes.api.model.Pod web = server.create(TestPods.injected("web"));

        assertThat(source.find(NAMESPACE, "web", uid(web), LONG)).isPresent();
        assertThat(server.calls(Call::isGetOfPod)).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {401, 403, 429, 500, 503})
    void aLastResortThatIsRefusedIsForLater(int status) throws Exception {
        start();
        server.fail(Call::isGetOfPod, Integer.MAX_VALUE, status);

        assertThatThrownBy(() -> source.find(NAMESPACE, "unknown", ANY, SHORT))
                .isInstanceOf(PodSourceException.class)
                .hasMessageContaining(String.valueOf(status));
    }

    @Test
    void anOddListIsDescribedInOneLineHoweverLongItIs() throws Exception {
        server.answer(
                Call::isList,
                Integer.MAX_VALUE,
                _ -> new MockResponse()
                        .setResponseCode(200)
                        .setHeader("Content-Type", "application/json")
                        .setBody("odd\n".repeat(250_000)));
        open(server.settings(directory));

        eventually("it is described", () -> source.notReady().orElse("").contains("odd"));
        assertThat(source.notReady().orElseThrow()).hasSizeLessThan(500).doesNotContain("\n");
    }

    @Test
    void aSlowListIsWaitedFor() throws Exception {
        io.fabric8.kubernetes.api.model.Pod web = server.create(TestPods.injected("web"));
        server.delay(Call::isList, 1, Duration.ofSeconds(1));
        open(server.settings(directory));

        assertThat(source.notReady()).isPresent();
        assertThat(source.find(NAMESPACE, "web", uid(web), LONG)).isPresent();
        assertThat(server.calls(Call::isGetOfPod)).isZero();
    }

    @Test
    void anAnswerThatNeverComesEndsTheLookUpForNow() throws Exception {
        start();
        server.delay(Call::isGetOfPod, Integer.MAX_VALUE, Duration.ofMinutes(5));

        assertThatThrownBy(() -> source.find(NAMESPACE, "unknown", ANY, SHORT)).isInstanceOf(PodSourceException.class);
    }

    @Test
    void anAnswerThatIsNoPodIsForLater() throws Exception {
        start();
        server.answer(
                Call::isGetOfPod,
                Integer.MAX_VALUE,
                _ -> new MockResponse()
                        .setResponseCode(200)
                        .setHeader("Content-Type", "application/json")
                        .setBody("{\"kind\": half"));

        assertThatThrownBy(() -> source.find(NAMESPACE, "unknown", ANY, SHORT)).isInstanceOf(PodSourceException.class);
    }

    @Test
    void itIsNotReadyWhileTheServerCannotBeReachedAndSaysSo() throws Exception {
        server.create(TestPods.injected("web"));
        server.disconnect();
        open(server.settings(directory));

        assertThat(source.notReady().orElseThrow()).contains("node-a");
        server.reconnect();
        eventually("it is ready", () -> source.notReady().isEmpty());
        assertThat(source.pods()).hasSize(1);
    }

    @Test
    void aRotatedTokenIsTakenUpWithoutARestart() throws Exception {
        Path token = Files.writeString(directory.resolve("token"), "old");
        Map<String, String> properties = Map.of(
                "kubernetes.master", server.url(),
                "kubernetes.auth.tryKubeConfig", "false",
                "kubernetes.auth.serviceAccount.token", token.toString());
        properties.forEach(System::setProperty);
        try {
            open(new KubernetesSettings(FakeApiServer.NODE, Optional.empty(), Duration.ofSeconds(2)));
            eventually("it is ready", () -> source.notReady().isEmpty());
            Files.writeString(token, "new");
            server.answer(
                    call -> call.token().equals("old"),
                    Integer.MAX_VALUE,
                    _ -> new MockResponse().setResponseCode(401));
            server.cut();
            io.fabric8.kubernetes.api.model.Pod web = server.create(TestPods.injected("web"));

            assertThat(source.find(NAMESPACE, "web", uid(web), LONG)).isPresent();
            assertThat(server.calls()).last().extracting(Call::token).isEqualTo("new");
        } finally {
            properties.keySet().forEach(System::clearProperty);
        }
    }

    @Test
    void theDirectoryOfTheKubeconfigHoldsNothingElseAfterwards() throws Exception {
        server.create(TestPods.injected("web"));
        start();

        try (var files = Files.list(directory)) {
            assertThat(files).containsExactly(directory.resolve("kubeconfig"));
        }
    }

    @Test
    void thePodThatAListenerHearsOfIsTheOneThatIsKnown() throws Exception {
        server.create(TestPods.injected("first"));
        start();
        List<String> heard = new java.util.concurrent.CopyOnWriteArrayList<>();
        source.listen(new PodStore.Listener() {
            @Override
            public void shown(NodePod pod) {
                heard.add("+" + pod.key());
            }

            @Override
            public void gone(NodePod pod) {
                heard.add("-" + pod.key());
            }
        });

        server.create(TestPods.injected("second"));
        server.delete(NAMESPACE, "first");

        eventually("all is heard", () -> heard.size() >= 3);
        assertThat(heard).containsExactly("+shop/first", "+shop/second", "-shop/first");
    }

    private void start() throws Exception {
        open(server.settings(directory));
        eventually("the source is ready", () -> source.notReady().isEmpty());
    }

    private void open(KubernetesSettings settings) {
        api = KubernetesApi.open(settings);
        source = KubernetesPodSource.start(api);
    }

    private static String uid(io.fabric8.kubernetes.api.model.Pod pod) {
        return pod.getMetadata().getUid();
    }

    private static io.fabric8.kubernetes.api.model.Pod withFinalizer(io.fabric8.kubernetes.api.model.Pod pod) {
        return pod.edit()
                .editMetadata()
                .addToFinalizers("test/hold")
                .endMetadata()
                .build();
    }

    private static io.fabric8.kubernetes.api.model.Pod withoutFinalizer(io.fabric8.kubernetes.api.model.Pod pod) {
        return pod.edit().editMetadata().withFinalizers(List.of()).endMetadata().build();
    }

    private static <T> Future<T> inBackground(java.util.concurrent.Callable<T> work) {
        CompletableFuture<T> result = new CompletableFuture<>();
        Thread.ofVirtual().start(() -> {
            try {
                result.complete(work.call());
            } catch (Exception e) {
                result.completeExceptionally(e);
            }
        });
        return result;
    }
}
