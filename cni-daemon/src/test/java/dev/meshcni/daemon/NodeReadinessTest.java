// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static dev.meshcni.testkit.Eventually.eventually;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.chain.ChainAdapters;
import dev.meshcni.core.AgentProtocol;
import dev.meshcni.core.AttachmentStore;
import dev.meshcni.core.Backends;
import dev.meshcni.core.PluginHandler;
import dev.meshcni.core.PrevResultCheck;
import dev.meshcni.core.spi.PodSource;
import dev.meshcni.install.InstallState;
import dev.meshcni.install.ManagedInstallation;
import dev.meshcni.install.ShutdownReason;
import dev.meshcni.install.UninstallStep;
import dev.meshcni.redirect.Pod;
import dev.meshcni.testkit.TestNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a runtime is told by STATUS, and the kubelet by the same answer, while the daemon comes up. */
class NodeReadinessTest {
    private static final Duration BUDGET = Duration.ofSeconds(5);

    @TempDir
    private Path root;

    private final KnownLater pods = new KnownLater();
    private final NodeReadiness readiness = new NodeReadiness(pods::notReady);
    private final PluginHandler handler = new PluginHandler(
            pods,
            readiness,
            Backends.of(List.of()),
            new PrevResultCheck(ChainAdapters.installed()),
            Duration.ZERO,
            AttachmentStore.NONE);

    @Test
    void statusNamesWhatIsMissingUntilPodsAreKnownAndThePluginIsInstalled() throws Exception {
        TestNode node = TestNode.in(root).checkedEvery(Duration.ofMillis(100));

        assertThat(status()).contains("\"code\":50", "initial list in progress");
        pods.known = true;
        assertThat(status()).contains("\"code\":50", "installation has not started yet");
        try (ManagedInstallation installation = ManagedInstallation.start(
                NodeInstaller.of(node), _ -> ShutdownReason.Answer.RESTART, () -> false, UninstallStep.none())) {
            readiness.installedBy(installation::state);
            eventually("the node waits for its base CNI", () -> status().contains("waiting for the base CNI"));
            node.conf("10-pods.conflist", """
                {"cniVersion": "1.0.0", "name": "pods", "plugins": [{"type": "ptp", "ipam": {}}]}\
                """);
            eventually("the node is ready", () -> status().isEmpty());
        }
        assertThat(readiness.get()).isEmpty();
    }

    @Test
    void anAgentThatInstallsNothingIsReadyWhenItKnowsThePods() {
        readiness.nothingToInstall();

        assertThat(readiness.get()).contains("initial list in progress");
        pods.known = true;
        assertThat(readiness.get()).isEmpty();
    }

    @Test
    void aDaemonThatANewerOneHasTakenOverFromStaysAReadyPod() {
        pods.known = true;
        AtomicReference<InstallState> state = new AtomicReference<>(new InstallState.Waiting("the base CNI"));
        readiness.installedBy(state::get);
        assertThat(readiness.ofPod()).contains("waiting for the base CNI");

        state.set(new InstallState.Superseded());

        assertThat(readiness.get()).contains("a newer daemon has taken over this node");
        assertThat(readiness.ofPod()).isEmpty();
    }

    @Test
    void aRuntimeIsToldOnlyOfWhatLasts() {
        AtomicLong clock = new AtomicLong();
        Supplier<Optional<String>> lasting = readiness.lasting(clock::get);
        readiness.nothingToInstall();

        assertThat(lasting.get()).isEmpty();
        clock.addAndGet(NodeReadiness.GRACE.toNanos() - 1);
        assertThat(lasting.get()).isEmpty();
        clock.addAndGet(1);
        assertThat(lasting.get()).contains("initial list in progress");
        pods.known = true;
        assertThat(lasting.get()).isEmpty();
        pods.known = false;
        clock.addAndGet(NodeReadiness.GRACE.toNanos() - 1);
        assertThat(lasting.get()).as("lost a moment ago").isEmpty();
    }

    private String status() {
        byte[] config = "{\"cniVersion\":\"1.1.0\",\"name\":\"pods\",\"type\":\"istio-cni\"}".getBytes(UTF_8);
        Map<String, String> environment = Map.of("CNI_COMMAND", "STATUS", "CNI_PATH", "/opt/cni/bin");
        return new String(
                handler.handle(new AgentProtocol.Request(environment, config), BUDGET)
                        .reply()
                        .stdout(),
                UTF_8);
    }

    private static final class KnownLater implements PodSource {
        private volatile boolean known;

        @Override
        public Optional<Pod> find(
                String namespace, String name, String uid, Predicate<Pod> doubtful, Duration patience) {
            return Optional.empty();
        }

        @Override
        public Optional<String> notReady() {
            return known ? Optional.empty() : Optional.of("initial list in progress");
        }

        @Override
        public void close() {}
    }
}
