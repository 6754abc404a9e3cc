// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import static dev.meshcni.testkit.Eventually.eventually;
import static dev.meshcni.testkit.TestPods.NAMESPACE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.core.spi.PodSourceException;
import dev.meshcni.redirect.MirrorPod;
import dev.meshcni.redirect.Pod;
import dev.meshcni.testkit.FakeApiServer;
import dev.meshcni.testkit.FakeApiServer.Call;
import dev.meshcni.testkit.Slow;
import dev.meshcni.testkit.TestPods;
import io.fabric8.mockwebserver.http.MockResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KubernetesPodSourceTest extends PodSourceFixture {
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
        assertThat(server.calls()).allMatch(call -> call.path().contains("fieldSelector=spec.nodeName%3D"));
    }

    @Test
    void aPodThatComesLaterIsWaitedFor() throws Exception {
        start();
        Future<Optional<Pod>> found = inBackground(() -> source.find(NAMESPACE, "late", ANY, LONG));

        io.fabric8.kubernetes.api.model.Pod late = server.create(TestPods.injected("late"));

        assertThat(found.get(20, TimeUnit.SECONDS).orElseThrow().uid()).isEqualTo(uid(late));
        assertThat(server.calls(Call::isGetOfPod)).isLessThanOrEqualTo(1);
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
    @Slow
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

        assertThat(source.find(NAMESPACE, name, ANY, SHORT)).isEmpty();
        assertThat(source.find(name, "web", ANY, SHORT)).isEmpty();
        assertThat(server.calls()).isNotEmpty().allMatch(call -> call.path().startsWith("/api/v1/pods?"));
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
    void aPodIsDecidedAboutWithoutARequestAsLongAsTheWatchLives() throws Exception {
        io.fabric8.kubernetes.api.model.Pod web = server.create(TestPods.injected("web"));
        start();
        eventually("the watch is open", () -> source.isLive());

        assertThat(source.find(NAMESPACE, "web", uid(web), _ -> true, LONG)).isPresent();
        assertThat(source.lookUps()).isZero();
    }

    @Test
    @Slow
    void aPodForWhichThereIsNoRoomIsAskedFor() throws Exception {
        for (int i = 0; i < 300; i++) {
            server.create(TestPods.injected("large-" + i)
                    .edit()
                    .editMetadata()
                    .addToAnnotations("traffic.sidecar.istio.io/excludeOutboundPorts", "7".repeat(60_000))
                    .endMetadata()
                    .build());
        }
        start();
        NodePod bare = source.pods().stream().filter(NodePod::bare).findFirst().orElseThrow();

        assertThat(source.find(NAMESPACE, bare.pod().name(), bare.pod().uid(), _ -> false, LONG))
                .hasValueSatisfying(pod -> assertThat(pod.annotations())
                        .containsEntry("traffic.sidecar.istio.io/excludeOutboundPorts", "7".repeat(60_000)));

        assertThat(source.lookUps()).isEqualTo(1);
    }

    @Test
    void aNameAloneMeansThePodThatHasItNowWhateverTheWatchHasShown() throws Exception {
        server.create(TestPods.injected("web"));
        start();
        eventually("the watch is open", () -> source.isLive());
        server.silence(true);
        server.delete(NAMESPACE, "web");
        io.fabric8.kubernetes.api.model.Pod successor = server.create(TestPods.injected("web"));

        assertThat(source.find(NAMESPACE, "web", ANY, LONG).orElseThrow().uid()).isEqualTo(uid(successor));
        assertThat(source.lookUps()).isEqualTo(1);
    }

    @Test
    @Slow
    void aWatchThatSaysNothingIsNotBelievedWhereAMistakeWouldDoHarm() throws Exception {
        io.fabric8.kubernetes.api.model.Pod web = server.create(TestPods.injected("web"));
        api = KubernetesApi.open(TestSettings.of(server, directory));
        source = KubernetesPodSource.start(api, new NodePodReader(_ -> true, ""), Duration.ofMillis(300));
        eventually("the watch is open", () -> source.isLive());
        // A new watch that the API server answers would be a sign of life.
        server.fail(FakeApiServer.Call::isWatchOfPods, Integer.MAX_VALUE, 503);
        server.silence(true);
        eventually("the silence is noticed", () -> !source.isLive());

        assertThat(source.find(NAMESPACE, "web", uid(web), _ -> false, LONG)).isPresent();
        assertThat(source.lookUps()).isZero();
        assertThat(source.find(NAMESPACE, "web", uid(web), _ -> true, LONG)).isPresent();
        assertThat(source.lookUps()).isEqualTo(1);
        server.disconnect();
        assertThatThrownBy(() -> source.find(NAMESPACE, "web", uid(web), _ -> true, SHORT))
                .isInstanceOf(PodSourceException.class)
                .hasMessageContaining("cannot be looked up");
        assertThatThrownBy(() -> source.find(NAMESPACE, "web", ANY, SHORT)).isInstanceOf(PodSourceException.class);
        server.reconnect();
    }

    @Test
    void theMirrorOfAStaticPodIsFoundByItsHash() throws Exception {
        server.create(TestPods.mirror(TestPods.injected("static-node-a"), TestPods.STATIC_UID));
        start();

        assertThat(source.find(NAMESPACE, "static-node-a", TestPods.STATIC_UID, LONG))
                .isPresent();
    }

    @Test
    void aPodIsNotFoundByAHashThatItsAuthorHasGivenIt() throws Exception {
        server.create(TestPods.injected("web")
                .edit()
                .editMetadata()
                .addToAnnotations(MirrorPod.CONFIG_HASH, TestPods.STATIC_UID)
                .endMetadata()
                .build());
        start();

        assertThat(source.find(NAMESPACE, "web", TestPods.STATIC_UID, SHORT)).isEmpty();
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
}
