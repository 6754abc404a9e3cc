// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.NeedsRoot;
import dev.meshcni.testkit.Slow;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Pods that start while the daemon is away, on a node with a real runtime. Repair is off, so that only the plugin can
 * have redirected them.
 */
@Slow
@NeedsRoot("makes network namespaces")
class NodeRestartTest {
    private static final String NO_REPAIR = "--repair-enabled=false";
    private static final String RETRYABLE = "the mesh-cni agent does not answer";
    private static final int AT_ONCE = 4;
    private static final Duration COPY_TIME = Duration.ofMinutes(2);

    private ClusterNode node;

    @BeforeAll
    static void needs() {
        ClusterNode.needed();
    }

    @BeforeEach
    void startNode() {
        node = ClusterNode.start();
        node.createDaemonSet();
        node.startDaemon(NO_REPAIR);
    }

    @AfterEach
    void endNode() {
        if (node != null) {
            node.close();
        }
    }

    @Test
    void ofAHundredPodsStartedWhileTheDaemonIsRestartedFiveTimesNoneBypassesItsProxyAndNothingIsLeft() {
        int restarts = 5;
        List<Path> installed = node.installedFiles();
        try (ExecutorService kubelet = Executors.newFixedThreadPool(AT_ONCE)) {
            List<Future<Kubelet.RunningPod>> starts = startPods(kubelet, 100);
            for (int restart = 1; restart <= restarts; restart++) {
                awaitStarted(starts, restart * starts.size() / (restarts + 1));
                if (restart % 2 == 0) {
                    node.daemon().terminate();
                } else {
                    node.daemon().kill();
                }
                awaitRefusal();
                node.launchDaemon(Dist.root(), NO_REPAIR);
            }
            List<Kubelet.RunningPod> pods = all(starts);

            assertThat(node.kubelet().refusals()).allMatch(refusal -> refusal.contains(RETRYABLE));
            assertThat(pods)
                    .hasSize(100)
                    .extracting(pod -> node.wayOut(pod.netns()))
                    .containsOnly("proxy:15001");
            endAll(kubelet, pods);
        }
        assertThat(node.containerd().leftovers()).isEmpty();
        assertThat(node.installedFiles()).isEqualTo(installed);
        assertThat(node.attachments()).isEmpty();
    }

    @Test
    void podsThatStartDuringAnUpgradeWaitAndAreRedirected(@TempDir Path directory) {
        Path newer = otherVersion(directory);
        Path plugin = node.plugin();
        try (ExecutorService kubelet = Executors.newFixedThreadPool(AT_ONCE)) {
            List<Future<Kubelet.RunningPod>> starts = startPods(kubelet, 24);
            awaitStarted(starts, 6);
            node.daemon().terminate();
            awaitRefusal();
            node.launchDaemon(newer, NO_REPAIR);
            node.eventually(
                    "the plugin is the newer daemon's", () -> !node.plugin().equals(plugin));
            List<Kubelet.RunningPod> pods = all(starts);

            assertThat(node.plugin()).hasSameBinaryContentAs(newer.resolve("bin/istio-cni"));
            assertThat(node.kubelet().refusals()).allMatch(refusal -> refusal.contains(RETRYABLE));
            assertThat(pods).extracting(pod -> node.wayOut(pod.netns())).containsOnly("proxy:15001");
            endAll(kubelet, pods);
        }
        assertThat(node.containerd().leftovers()).isEmpty();
    }

    private List<Future<Kubelet.RunningPod>> startPods(ExecutorService kubelet, int count) {
        return IntStream.range(0, count)
                .mapToObj(number -> PodManifest.injected("shop", "cart-" + number, ""))
                .map(manifest -> kubelet.submit(() -> node.kubelet().run(manifest)))
                .toList();
    }

    /** Waits until the first so many pods have started, which are taken up in this order. */
    private static void awaitStarted(List<Future<Kubelet.RunningPod>> starts, int count) {
        assertThat(all(starts.subList(0, count))).hasSize(count);
    }

    /** Waits until a pod has found no daemon, so that each restart is one that pods have felt. */
    private void awaitRefusal() {
        int before = node.kubelet().refusals().size();
        node.eventually("a pod is refused", () -> node.kubelet().refusals().size() > before);
    }

    private void endAll(ExecutorService kubelet, List<Kubelet.RunningPod> pods) {
        List<Future<Kubelet.RunningPod>> ends = new ArrayList<>();
        for (Kubelet.RunningPod pod : pods) {
            Callable<Kubelet.RunningPod> end = () -> {
                node.kubelet().end(pod);
                return pod;
            };
            ends.add(kubelet.submit(end));
        }
        assertThat(all(ends)).hasSameSizeAs(pods);
    }

    private static List<Kubelet.RunningPod> all(List<Future<Kubelet.RunningPod>> futures) {
        List<Kubelet.RunningPod> results = new ArrayList<>();
        for (Future<Kubelet.RunningPod> future : futures) {
            assertThat(future).succeedsWithin(Duration.ofMinutes(3)).satisfies(results::add);
        }
        return results;
    }

    /** The distribution with a plugin that differs in a byte behind its end, which makes it another version. */
    private static Path otherVersion(Path directory) {
        Path copy = directory.resolve("dist");
        Command.of("cp", "--archive", Dist.root().toString(), copy.toString())
                .within(COPY_TIME)
                .run();
        try {
            Files.writeString(copy.resolve("bin/istio-cni"), "newer", StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return copy;
    }
}
