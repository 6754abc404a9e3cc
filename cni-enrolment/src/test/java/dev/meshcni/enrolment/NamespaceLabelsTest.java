// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.enrolment;

import static dev.meshcni.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.ambient.EnablementSelector;
import dev.meshcni.ambient.EnrolmentPolicy;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.PodSourceException;
import dev.meshcni.kubernetes.KubernetesApi;
import dev.meshcni.kubernetes.KubernetesSettings;
import dev.meshcni.redirect.AmbientMetadata;
import dev.meshcni.redirect.Pod;
import dev.meshcni.testkit.FakeApiServer;
import dev.meshcni.testkit.FakeApiServer.Call;
import dev.meshcni.testkit.Slow;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.mockwebserver.http.MockResponse;
import io.fabric8.mockwebserver.http.Response;
import io.fabric8.mockwebserver.http.WebSocket;
import io.fabric8.mockwebserver.http.WebSocketListener;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A watch whose connection was dropped without a word says as little as one on which nothing happens. */
@Slow
class NamespaceLabelsTest {
    private static final Duration SILENCE = Duration.ofSeconds(2);
    private static final String NAMESPACES = "/api/v1/namespaces";

    @TempDir
    private Path directory;

    private final Queue<WebSocket> opened = new ConcurrentLinkedQueue<>();
    private FakeApiServer server;
    private KubernetesApi api;
    private NamespaceLabels labels;
    private EnrolmentDecision decision;

    @BeforeEach
    void start() throws IOException {
        server = new FakeApiServer();
        server.create(NAMESPACES, namespace(Map.of()));
        api = KubernetesApi.open(new KubernetesSettings(
                FakeApiServer.NODE, Optional.of(server.kubeconfig(directory)), Duration.ofSeconds(2)));
    }

    @AfterEach
    void stop() throws IOException {
        labels.close();
        api.close();
        server.close();
    }

    @Test
    void onASilentWatchTheApiServerIsAskedAndTheWatchIsOpenedAnew() throws Exception {
        watch();
        // What is opened anew cannot be listed for now.
        server.fail(NamespaceLabelsTest::isList, Integer.MAX_VALUE, 500);
        server.replace(NAMESPACES + "/shop", namespace(Map.of(AmbientMetadata.MODE, "ambient")));

        eventually("it is not live", () -> !labels.isLive());
        assertThat(decision.wants(pod(), soon())).isTrue();
        assertThat(server.calls()).anyMatch(NamespaceLabelsTest::isGet);

        server.replace(NAMESPACES + "/shop", namespace(Map.of()));
        server.mendAll();
        eventually(
                "the next watch shows what has changed",
                () -> labels.isLive() && labels.shown("shop").equals(Optional.of(Map.of())));
    }

    @Test
    void onASilentWatchNoPodIsLeftOutWhenTheApiServerDoesNotAnswer() throws Exception {
        watch();
        server.disconnect();

        eventually("it is not live", () -> !labels.isLive());
        assertThatThrownBy(() -> decision.wants(pod(), soon()))
                .isInstanceOf(PodSourceException.class)
                .hasMessageStartingWith("the labels of namespace shop cannot be looked up");
    }

    /** An API server says so by bookmarks where nothing happens. */
    @Test
    void aWatchThatMakesProgressStays() throws Exception {
        watch();
        Deadline end = Deadline.after(SILENCE.multipliedBy(2));

        for (int version = 1000; !end.remaining().isZero(); version++) {
            bookmark(opened.element(), version);
            Thread.sleep(SILENCE.dividedBy(40));
        }

        assertThat(labels.isLive()).isTrue();
        assertThat(decision.wants(pod(), soon())).isFalse();
        assertThat(server.calls()).as("nothing is asked").noneMatch(NamespaceLabelsTest::isGet);
        assertThat(server.calls(Call::isWatch)).isEqualTo(1);
    }

    /** The first watch says how far it has come, and no more than it is made to. */
    private void watch() throws Exception {
        server.answer(
                Call::isWatch,
                1,
                _ -> new MockResponse().withWebSocketUpgrade(new WebSocketListener() {
                    @Override
                    public void onOpen(WebSocket webSocket, Response response) {
                        opened.add(webSocket);
                        bookmark(webSocket, 999);
                    }
                }));
        labels = NamespaceLabels.start(api, Set.of(AmbientMetadata.MODE), SILENCE);
        decision = new EnrolmentDecision(
                new EnrolmentPolicy(Set.of(), EnablementSelector.DEFAULT, "istio-system"), labels);
        eventually("it is live", labels::isLive);
    }

    private static void bookmark(WebSocket watch, int version) {
        boolean _ = watch.send(
                "{'type':'BOOKMARK','object':{'kind':'Namespace','apiVersion':'v1','metadata':{'resourceVersion':'%d'}}}"
                        .formatted(version)
                        .replace('\'', '"'));
    }

    private static boolean isGet(Call call) {
        return call.method().equals("GET") && call.path().matches(NAMESPACES + "/[^/?]+");
    }

    private static boolean isList(Call call) {
        return call.method().equals("GET") && !call.isWatch() && !isGet(call);
    }

    private static Namespace namespace(Map<String, String> with) {
        return new NamespaceBuilder()
                .withNewMetadata()
                .withName("shop")
                .withLabels(with)
                .endMetadata()
                .build();
    }

    private static Pod pod() {
        return new Pod("shop", "web", "", Map.of(), Map.of(), false, List.of(), List.of());
    }

    private static Deadline soon() {
        return Deadline.after(Duration.ofSeconds(5));
    }
}
