// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import static dev.meshcni.testkit.Eventually.eventually;
import static dev.meshcni.testkit.TestPods.NAMESPACE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.core.spi.PodSourceException;
import dev.meshcni.testkit.FakeApiServer.Call;
import dev.meshcni.testkit.Slow;
import dev.meshcni.testkit.TestPods;
import io.fabric8.mockwebserver.http.MockResponse;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a source of pods does when the API server is gone, refuses, is slow or says what makes no sense. */
@Slow
class PodSourceTroubleTest extends PodSourceFixture {
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
        open(TestSettings.of(server, directory));
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
        open(TestSettings.of(server, directory));

        eventually("it is described", () -> source.notReady().orElse("").contains("odd"));
        assertThat(source.notReady().orElseThrow()).hasSizeLessThan(500).doesNotContain("\n");
    }

    @Test
    void aSlowListIsWaitedFor() throws Exception {
        io.fabric8.kubernetes.api.model.Pod web = server.create(TestPods.injected("web"));
        server.delay(Call::isList, 1, Duration.ofSeconds(1));
        open(TestSettings.of(server, directory));

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
        open(TestSettings.of(server, directory));

        assertThat(source.notReady().orElseThrow()).contains("node-a");
        server.reconnect();
        eventually("it is ready", () -> source.notReady().isEmpty());
        assertThat(source.pods()).hasSize(1);
    }
}
