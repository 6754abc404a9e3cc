// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import static dev.meshcni.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.Slow;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.apps.DaemonSetBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.server.mock.KubernetesCrudDispatcher;
import io.fabric8.kubernetes.client.server.mock.KubernetesMockServer;
import io.fabric8.mockwebserver.Context;
import io.fabric8.mockwebserver.MockWebServer;
import io.fabric8.mockwebserver.http.Dispatcher;
import io.fabric8.mockwebserver.http.MockResponse;
import io.fabric8.mockwebserver.http.RecordedRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Why the daemon ends, by an API server that refuses or is gone at the worst moment. */
class DaemonSetWatchTest {
    private static final String NAMESPACE = "istio-system";
    private static final String NAME = "istio-cni-node";
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    @TempDir
    private Path directory;

    private final KubernetesCrudDispatcher crud = new KubernetesCrudDispatcher();
    private final MockWebServer web = new MockWebServer();
    private final KubernetesMockServer server =
            new KubernetesMockServer(new Context(), web, new HashMap<>(), crud, false);
    private volatile int refusal;
    private KubernetesClient operator;
    private KubernetesApi api;

    @BeforeEach
    void start() throws Exception {
        server.init();
        operator = server.createClient();
        web.setDispatcher(new Dispatcher() {
            @Override
            public MockResponse dispatch(RecordedRequest request) {
                return refusal == 0 ? crud.dispatch(request) : new MockResponse().setResponseCode(refusal);
            }
        });
        Path kubeconfig = Files.writeString(
                directory.resolve("kubeconfig"), """
                apiVersion: v1
                kind: Config
                current-context: test
                clusters: [{name: test, cluster: {server: "http://%s:%d"}}]
                users: [{name: test, user: {token: none}}]
                contexts: [{name: test, context: {cluster: test, user: test}}]
                """.formatted(server.getHostName(), server.getPort()));
        api = KubernetesApi.open(new KubernetesSettings("node", Optional.of(kubeconfig), Duration.ofSeconds(1)));
    }

    @AfterEach
    void end() {
        api.close();
        operator.close();
        closeServer();
    }

    private void closeServer() {
        try {
            server.destroy();
        } catch (IllegalStateException e) {
            // The mock waits 10 s for its own event loop, which a busy machine may not give it; its port is closed by
            // then.
            assertThat(e).hasCauseInstanceOf(TimeoutException.class);
        }
    }

    @Test
    void aDaemonSetThatIsThereMeansARestart() throws Exception {
        create();
        try (DaemonSetWatch watch = seen()) {
            assertThat(watch.meansUninstall(PATIENCE)).isFalse();
        }
    }

    @Test
    @Slow
    void aDaemonSetThatIsGoneMeansAnUninstallation() throws Exception {
        create();
        try (DaemonSetWatch watch = seen()) {
            daemonSet().delete();

            assertThat(watch.meansUninstall(PATIENCE)).isTrue();
        }
    }

    @Test
    void aDaemonSetThatIsBeingDeletedMeansAnUninstallation() throws Exception {
        create("foregroundDeletion");
        try (DaemonSetWatch watch = seen()) {
            daemonSet().delete();
            assertThat(daemonSet().get().getMetadata().getDeletionTimestamp()).isNotNull();

            assertThat(watch.meansUninstall(PATIENCE)).isTrue();
        }
    }

    @ParameterizedTest
    @Slow
    @ValueSource(ints = {401, 403, 500})
    void theWatchRemembersADeletionWhenTheRightToAskIsGoneToo(int status) throws Exception {
        create();
        try (DaemonSetWatch watch = seen()) {
            deleteUntilSeen(watch);
            refusal = status;

            assertThat(watch.meansUninstall(PATIENCE)).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {401, 403, 500})
    void aRefusalAloneMeansARestart(int status) throws Exception {
        create();
        try (DaemonSetWatch watch = seen()) {
            refusal = status;

            assertThat(watch.meansUninstall(PATIENCE)).isFalse();
        }
    }

    @Test
    void anApiServerThatIsGoneMeansARestart() throws Exception {
        create();
        try (DaemonSetWatch watch = seen()) {
            closeServer();

            assertThat(watch.meansUninstall(PATIENCE)).isFalse();
        }
    }

    @Test
    void aDaemonSetThatWasNeverThereMeansARestart() {
        try (DaemonSetWatch watch = DaemonSetWatch.start(api, NAMESPACE, "of-another-name")) {
            assertThat(watch.meansUninstall(PATIENCE)).isFalse();
        }
    }

    @Test
    @Slow
    void aDaemonSetThatWasMadeAnewMeansARestart() throws Exception {
        create();
        try (DaemonSetWatch watch = seen()) {
            deleteUntilSeen(watch);
            create();

            assertThat(watch.meansUninstall(PATIENCE)).isFalse();
        }
    }

    @ParameterizedTest
    @CsvSource({"mesh, false", "other, true"})
    void aDaemonSetThatSelectsThisNodeNoMoreMeansAnUninstallation(String pool, boolean uninstall) throws Exception {
        operator.resource(new NodeBuilder()
                        .withNewMetadata()
                        .withName("node")
                        .addToLabels("pool", "mesh")
                        .endMetadata()
                        .build())
                .create();
        create();
        try (DaemonSetWatch watch = seen()) {
            select(pool);

            assertThat(watch.meansUninstall(PATIENCE)).isEqualTo(uninstall);
        }
    }

    @Test
    void aNodeThatCannotBeSeenCountsAsSelected() throws Exception {
        create();
        try (DaemonSetWatch watch = seen()) {
            select("other");

            assertThat(watch.meansUninstall(PATIENCE)).isFalse();
        }
    }

    private void select(String pool) {
        daemonSet()
                .edit(daemonSet -> new DaemonSetBuilder(daemonSet)
                        .withNewSpec()
                        .withNewTemplate()
                        .withNewSpec()
                        .addToNodeSelector("pool", pool)
                        .endSpec()
                        .endTemplate()
                        .endSpec()
                        .build());
    }

    private DaemonSetWatch seen() throws Exception {
        DaemonSetWatch watch = DaemonSetWatch.start(api, NAMESPACE, NAME);
        eventually("the DaemonSet is seen", watch::hasSeenDaemonSet);
        return watch;
    }

    private void create(String... finalizers) {
        operator.resource(new DaemonSetBuilder()
                        .withNewMetadata()
                        .withNamespace(NAMESPACE)
                        .withName(NAME)
                        .withFinalizers(finalizers)
                        .endMetadata()
                        .build())
                .create();
    }

    /**
     * The mock does not always tell a watch that has just begun; and what it tells of an earlier attempt may come late.
     */
    private void deleteUntilSeen(DaemonSetWatch watch) throws Exception {
        daemonSet().delete();
        eventually("the watch shows the deletion", () -> {
            if (!settled(watch)) {
                create();
                daemonSet().delete();
            }
            return settled(watch);
        });
    }

    /** Whether the deletion is seen within a second, and is still what was seen last a moment later. */
    private static boolean settled(DaemonSetWatch watch) throws InterruptedException {
        for (int poll = 0; poll < 50 && !watch.hasSeenDeletion(); poll++) {
            Thread.sleep(20);
        }
        Thread.sleep(200);
        return watch.hasSeenDeletion();
    }

    private Resource<DaemonSet> daemonSet() {
        return operator.apps().daemonSets().inNamespace(NAMESPACE).withName(NAME);
    }
}
