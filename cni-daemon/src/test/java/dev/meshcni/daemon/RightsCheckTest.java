// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static dev.meshcni.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.conf.Finding;
import dev.meshcni.kubernetes.KubernetesApi;
import dev.meshcni.kubernetes.KubernetesSettings;
import dev.meshcni.testkit.CapturedLog;
import dev.meshcni.testkit.FakeApiServer;
import io.fabric8.mockwebserver.http.MockResponse;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The daemon finds out what it may not do before it has to do it. */
class RightsCheckTest {
    private static final String REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

    @TempDir
    private Path directory;

    private FakeApiServer server;
    private KubernetesApi api;

    @BeforeEach
    void start() throws IOException {
        server = new FakeApiServer();
        api = KubernetesApi.open(new KubernetesSettings(
                FakeApiServer.NODE, Optional.of(server.kubeconfig(directory)), Duration.ofSeconds(5)));
    }

    @AfterEach
    void end() throws IOException {
        api.close();
        server.close();
    }

    @Test
    void aRightThatIsMissingIsNamedWithWhatFollows() throws Exception {
        answer("\"verb\":\"watch\"");
        try (CapturedLog log = CapturedLog.of(RightsCheck.class);
                RightsCheck check = RightsCheck.start(api, RequiredRight.ofTaint())) {
            eventually("the right is named", () -> !check.findings().isEmpty());

            assertThat(check.findings())
                    .containsExactly(Finding.warning(
                            "the daemon's ServiceAccount lacks watch on nodes: the taint is compared once a minute only",
                            "apply the manifests again: docs/rbac.md lists the permissions"));
            eventually("it is logged", () -> log.lines().size() == 1);
            assertThat(log.lines().getFirst())
                    .startsWith("WARN the daemon's ServiceAccount lacks watch on nodes: the taint is");
        }
    }

    @Test
    void theApiServerIsAskedForEachRightOfADaemonThatDoesEverything() throws Exception {
        answer("nothing");
        List<RequiredRight> all = new ArrayList<>(RequiredRight.ofPods());
        all.addAll(RequiredRight.ofDaemonSet("istio-system", "istio-cni-node"));
        all.addAll(RequiredRight.ofTaint());
        try (RightsCheck check = RightsCheck.start(api, all)) {
            eventually("all are asked for", () -> reviews().size() == all.size());

            assertThat(check.findings()).isEmpty();
            assertThat(reviews())
                    .anySatisfy(body -> assertThat(body)
                            .contains(
                                    "\"group\":\"apps\"",
                                    "\"resource\":\"daemonsets\"",
                                    "\"namespace\":\"istio-system\"",
                                    "\"name\":\"istio-cni-node\"",
                                    "\"verb\":\"list\""));
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            403 | {}
            201 | {"spec": {}}
            201 | no JSON
            """)
    void anApiServerThatDoesNotSayIsNoMissingRight(int status, String body) throws Exception {
        server.answer(
                call -> call.path().equals(REVIEWS),
                Integer.MAX_VALUE,
                _ -> new MockResponse().setResponseCode(status).setBody(body));
        try (CapturedLog log = CapturedLog.of(RightsCheck.class);
                RightsCheck check = RightsCheck.start(api, RequiredRight.ofPods())) {
            eventually("it was asked", () -> !reviews().isEmpty());

            assertThat(check.findings()).isEmpty();
            assertThat(log.lines()).isEmpty();
        }
    }

    private List<String> reviews() {
        return server.calls().stream()
                .filter(call -> call.path().equals(REVIEWS))
                .map(FakeApiServer.Call::body)
                .toList();
    }

    private void answer(String denied) {
        server.answer(
                call -> call.path().equals(REVIEWS),
                Integer.MAX_VALUE,
                call -> new MockResponse()
                        .setResponseCode(201)
                        .setBody("{\"status\": {\"allowed\": " + !call.body().contains(denied) + "}}"));
    }
}
