// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import static dev.meshcni.testkit.Eventually.eventually;

import dev.meshcni.testkit.FakeApiServer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A source of pods that watches a fake API server, for each test anew. */
@Timeout(120)
abstract class PodSourceFixture {
    static final Duration SHORT = Duration.ofMillis(50);
    static final Duration LONG = Duration.ofSeconds(30);
    static final String ANY = "";

    @TempDir
    Path directory;

    FakeApiServer server;
    KubernetesApi api;
    KubernetesPodSource source;

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

    void start() throws Exception {
        open(TestSettings.of(server, directory));
        eventually("the source is ready", () -> source.notReady().isEmpty());
    }

    void open(KubernetesSettings settings) {
        api = KubernetesApi.open(settings);
        source = KubernetesPodSource.start(api);
    }

    static String uid(io.fabric8.kubernetes.api.model.Pod pod) {
        return pod.getMetadata().getUid();
    }

    static <T> Future<T> inBackground(java.util.concurrent.Callable<T> work) {
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
