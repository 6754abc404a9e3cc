// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import static dev.meshcni.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.kubernetes.KubernetesApi;
import dev.meshcni.kubernetes.KubernetesSettings;
import dev.meshcni.testkit.FakeApiServer;
import dev.meshcni.testkit.FakeApiServer.Call;
import dev.meshcni.testkit.Slow;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.Taint;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class NodeTaintTest {
    private static final String PATH = "/api/v1/nodes/" + FakeApiServer.NODE;
    private static final Duration INTERVAL = Duration.ofMillis(50);
    private static final String OTHER = "node.kubernetes.io/unschedulable";

    @TempDir
    private Path directory;

    private volatile Optional<String> notReady = Optional.of("not installed yet");
    private volatile boolean serves = true;
    private final AtomicInteger asked = new AtomicInteger();
    private FakeApiServer server;
    private KubernetesApi api;
    private NodeTaint taint;

    @BeforeEach
    void startServer() throws IOException {
        server = new FakeApiServer();
        api = KubernetesApi.open(new KubernetesSettings(
                FakeApiServer.NODE, Optional.of(server.kubeconfig(directory)), Duration.ofSeconds(2)));
    }

    @AfterEach
    void stopAll() throws IOException {
        taint.close();
        api.close();
        server.close();
    }

    @Test
    void theNodeCarriesTheTaintUntilTheDaemonIsReady() throws Exception {
        node(OTHER);
        start(Duration.ZERO);
        eventually("the taint is set", () -> taints().equals(List.of(OTHER, NodeTaint.KEY)));

        notReady = Optional.empty();

        eventually("the taint is off", () -> taints().equals(List.of(OTHER)));
    }

    /** The rounds are so far apart that there is only one. */
    @Test
    void aDaemonThatGetsReadyWhileTheTaintIsSetTakesItOffAtOnce() throws Exception {
        node();
        taint = NodeTaint.start(
                api,
                new NodeTaint.Situation(
                        () -> asked.incrementAndGet() == 1 ? Optional.of("not installed yet") : Optional.empty(),
                        () -> true,
                        Duration.ZERO,
                        true),
                Duration.ofMinutes(1));

        eventually("the taint was set", () -> server.calls(NodeTaintTest::isPatch) == 2);
        assertThat(taints()).isEmpty();
    }

    @Test
    void aTaintThatTheNodeWasMadeWithIsTakenOff() throws Exception {
        node(NodeTaint.KEY);
        notReady = Optional.empty();
        start(Duration.ZERO);

        eventually("the taint is off", () -> taints().isEmpty());
    }

    @Test
    void aNodeThatIsAsItShouldBeIsNotChanged() throws Exception {
        node(OTHER);
        notReady = Optional.empty();
        start(Duration.ZERO);

        eventually("it was looked at", () -> asked.get() >= 2);
        assertThat(server.calls(NodeTaintTest::isPatch)).isZero();
        assertThat(server.calls(
                        call -> call.method().equals("GET") && call.path().equals(PATH)))
                .isLessThanOrEqualTo(1);
    }

    @Test
    void aTaintOfANodeThatServedPodsBeforeStaysUntilTheDaemonIsReady() throws Exception {
        node(NodeTaint.KEY);
        start(Duration.ofHours(1), false);

        eventually("it was looked at", () -> asked.get() >= 3);
        assertThat(taints()).containsExactly(NodeTaint.KEY);
        assertThat(server.calls(NodeTaintTest::isPatch)).isZero();
        notReady = Optional.empty();

        eventually("the taint is off", () -> taints().isEmpty());
    }

    @Test
    void withoutTheRightToWatchTheNodeIsReadAndChangedAllTheSame() throws Exception {
        node(NodeTaint.KEY);
        server.fail(call -> call.path().startsWith("/api/v1/nodes?"), Integer.MAX_VALUE, 403);
        start(Duration.ZERO);
        eventually("it was looked at", () -> asked.get() >= 2);
        assertThat(taints()).containsExactly(NodeTaint.KEY);

        notReady = Optional.empty();

        eventually("the taint is off", () -> taints().isEmpty());
    }

    @Test
    void aTaintThatComesWhileTheDaemonIsReadyIsTakenOff() throws Exception {
        node(OTHER);
        notReady = Optional.empty();
        start(Duration.ZERO);
        eventually("it was looked at", () -> asked.get() >= 2);

        taintNode(OTHER, NodeTaint.KEY);

        eventually("the taint is off", () -> taints().equals(List.of(OTHER)));
    }

    @Test
    void aNodeThatRegistersAgainWithTheTaintLosesIt() throws Exception {
        node();
        notReady = Optional.empty();
        start(Duration.ZERO);
        eventually("it was looked at", () -> asked.get() >= 2);

        server.delete(PATH);
        node(NodeTaint.KEY);

        eventually("the taint is off", () -> taints().isEmpty());
    }

    @Test
    void aTaintThatAnotherComponentRemovesIsSetAgain() throws Exception {
        node();
        start(Duration.ZERO);
        eventually("the taint is set", () -> taints().equals(List.of(NodeTaint.KEY)));

        taintNode();

        eventually("the taint is set again", () -> taints().equals(List.of(NodeTaint.KEY)));
    }

    @Test
    void aNodeThatServedPodsBeforeIsNotTaintedByADaemonThatStarts() throws Exception {
        node();
        start(Duration.ofHours(1), false);

        eventually("it was looked at", () -> asked.get() >= 3);
        assertThat(taints()).isEmpty();
    }

    @Test
    void aNodeThatNoDaemonHasServedIsTaintedAtOnce() throws Exception {
        node();
        start(Duration.ofHours(1), true);

        eventually("the taint is set", () -> taints().equals(List.of(NodeTaint.KEY)));
    }

    @Test
    void ofTwoDaemonsTheOlderOneLeavesTheTaintToTheNewerOne() throws Exception {
        node();
        notReady = Optional.empty();
        start(Duration.ZERO);
        eventually("it was looked at", () -> asked.get() >= 1);
        serves = false;
        eventually("a round is over", () -> asksStop());

        taintNode(NodeTaint.KEY);
        Thread.sleep(10 * INTERVAL.toMillis());
        assertThat(taints()).containsExactly(NodeTaint.KEY);

        serves = true;
        eventually("the taint is off", () -> taints().isEmpty());
    }

    @Test
    void whatCannotBeRemovedIsSaidWithTheCommandThatRemovesIt() throws Exception {
        node(OTHER);
        start(Duration.ZERO);
        eventually("the taint is set", () -> taints().contains(NodeTaint.KEY));
        server.fail(call -> call.path().startsWith("/api/v1/nodes"), Integer.MAX_VALUE, 403);

        assertThat(taint.remove(Duration.ofSeconds(5)))
                .hasValueSatisfying(left -> assertThat(left)
                        .contains("lacks get or patch on nodes (403)")
                        .contains("kubectl taint nodes " + FakeApiServer.NODE + " " + NodeTaint.KEY + "-"));
    }

    @Test
    void aServerThatDoesNotAnswerDelaysAnUninstallationNoLongerThanAllowed() throws Exception {
        node(OTHER);
        start(Duration.ZERO);
        eventually("the taint is set", () -> taints().contains(NodeTaint.KEY));
        server.disconnect();

        long begin = System.nanoTime();
        assertThat(taint.remove(Duration.ofSeconds(1))).isPresent();
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(10));
    }

    @Test
    @Slow
    void aReadinessThatIsLostForAMomentIsNoReason() throws Exception {
        node();
        notReady = Optional.empty();
        start(Duration.ofHours(1));
        eventually("it was looked at", () -> asked.get() >= 1);

        notReady = Optional.of("the configuration is being rewritten");
        int before = asked.get();

        eventually("it was looked at again", () -> asked.get() >= before + 2);
        assertThat(taints()).isEmpty();
    }

    @Test
    @Slow
    void aReadinessThatIsLostForLongIsOne() throws Exception {
        node();
        notReady = Optional.empty();
        start(Duration.ofMillis(500));
        eventually("it was looked at", () -> asked.get() >= 1);

        notReady = Optional.of("the configuration is gone");

        eventually("the taint is set", () -> taints().equals(List.of(NodeTaint.KEY)));
    }

    @Test
    @Slow
    void aChangeThatIsRefusedIsTriedAgain() throws Exception {
        node(OTHER);
        server.fail(NodeTaintTest::isPatch, 1, 409);
        start(Duration.ZERO);

        eventually("the taint is set", () -> taints().equals(List.of(OTHER, NodeTaint.KEY)));
    }

    @Test
    @Slow
    void anUninstallationTakesItOff() throws Exception {
        node(OTHER);
        start(Duration.ZERO);
        eventually("the taint is set", () -> taints().contains(NodeTaint.KEY));

        assertThat(taint.remove(Duration.ofSeconds(5))).isEmpty();

        assertThat(taints()).containsExactly(OTHER);
    }

    private void start(Duration grace) {
        start(grace, true);
    }

    private void start(Duration grace, boolean fresh) {
        NodeTaint.Situation situation = new NodeTaint.Situation(
                () -> {
                    asked.incrementAndGet();
                    return notReady;
                },
                () -> serves,
                grace,
                fresh);
        taint = NodeTaint.start(api, situation, INTERVAL);
    }

    /** Returns whether a few rounds have passed in which the readiness was not asked for. */
    private boolean asksStop() throws InterruptedException {
        int before = asked.get();
        Thread.sleep(10 * INTERVAL.toMillis());
        return asked.get() == before;
    }

    private void node(String... keys) {
        server.create("/api/v1/nodes", nodeWith(keys));
    }

    private void taintNode(String... keys) {
        server.replace(PATH, nodeWith(keys));
    }

    private static Node nodeWith(String... keys) {
        NodeBuilder node = new NodeBuilder()
                .withNewMetadata()
                .withName(FakeApiServer.NODE)
                .endMetadata()
                .withNewSpec()
                .endSpec();
        for (String key : keys) {
            node.editSpec()
                    .addNewTaint()
                    .withKey(key)
                    .withEffect("NoSchedule")
                    .endTaint()
                    .endSpec();
        }
        return node.build();
    }

    private List<String> taints() {
        Node node = server.read(PATH, Node.class).orElseThrow();
        return Optional.ofNullable(node.getSpec())
                .map(spec -> spec.getTaints().stream().map(Taint::getKey).toList())
                .orElse(List.of());
    }

    private static boolean isPatch(Call call) {
        return call.method().equals("PATCH");
    }
}
