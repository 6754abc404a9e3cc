// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import static dev.meshcni.testkit.Eventually.eventually;

import dev.meshcni.kubernetes.KubernetesApi;
import dev.meshcni.kubernetes.KubernetesPodSource;
import dev.meshcni.kubernetes.KubernetesSettings;
import dev.meshcni.kubernetes.NodePodReader;
import dev.meshcni.kubernetes.PodSelection;
import dev.meshcni.repair.RepairSettings.Mode;
import dev.meshcni.telemetry.AgentMetrics;
import dev.meshcni.testkit.FakeApiServer;
import dev.meshcni.testkit.FakeApiServer.Call;
import io.fabric8.kubernetes.api.model.Pod;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A daemon's repair with an API server and namespaces of its own. */
abstract class RepairFixture {
    static final Duration NO_ROUNDS = Duration.ZERO;
    static final Duration FAST_ROUNDS = Duration.ofMillis(500);
    static final String LABEL = "cni.istio.io/uninitialized";

    @TempDir
    Path directory;

    final FakeNamespaces namespaces = new FakeNamespaces();
    final Set<String> redirectedHere = ConcurrentHashMap.newKeySet();
    final AgentMetrics metrics = new AgentMetrics(() -> 0, () -> 0, () -> 0);
    final AtomicLong redirections = new AtomicLong();
    volatile Optional<String> cannotRedirect = Optional.empty();
    FakeApiServer server;
    KubernetesApi api;
    KubernetesPodSource pods;
    RepairController controller;

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

    final void start(Mode mode) throws Exception {
        start(mode, NO_ROUNDS, false);
    }

    final void start(Mode mode, Duration rounds, boolean driftRepair) throws Exception {
        start(settings(mode, rounds, driftRepair, PodSelection.parse("", "", "")));
    }

    final void start(RepairSettings settings) throws Exception {
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

    static RepairSettings settings(Mode mode, Duration rounds, boolean driftRepair, PodSelection selection) {
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

    final Pod create(Pod pod) {
        Pod created = server.create(pod);
        namespaces.add(uid(created));
        return created;
    }

    static String uid(Pod pod) {
        return pod.getMetadata().getUid();
    }

    static boolean isEvent(Call call) {
        return call.method().equals("POST") && call.path().endsWith("/events");
    }

    static boolean isWrite(Call call) {
        return !call.method().equals("GET");
    }

    final boolean counted(String type, String result, int times) {
        String counter = "istio_cni_repair_pods_repaired_total{result=\"" + result + "\",type=\"" + type + "\"}";
        return scrape().contains(counter + " " + times + ".0");
    }

    final String scrape() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            metrics.write(metrics.writer(""), out);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return out.toString(StandardCharsets.UTF_8);
    }
}
