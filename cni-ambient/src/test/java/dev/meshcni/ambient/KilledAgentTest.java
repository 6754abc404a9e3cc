// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import static dev.meshcni.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.libc.FileKey;
import dev.meshcni.libc.SharedDescriptor;
import dev.meshcni.ztunnel.ZdsLimits;
import dev.meshcni.ztunnel.ZtunnelServer;
import dev.meshcni.ztunnel.testkit.FakeZtunnel;
import dev.meshcni.ztunnel.testkit.Manner;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The agent is killed at each instruction that anybody outside of it can see: before, within and after each change of
 * rules, exemptions and status, and before and after ztunnel has taken each message. The next agent takes over what it
 * finds, and ends with what is wanted.
 */
@Timeout(120)
class KilledAgentTest {
    private static final ZdsLimits LIMITS =
            new ZdsLimits(Duration.ofSeconds(5), Duration.ofSeconds(5), Duration.ofMillis(200), 4, 10_000);
    private static final int NEVER = Integer.MAX_VALUE;
    private static final int LEAST_POINTS = 5;

    @TempDir
    private Path directory;

    private FakeNode node;
    private volatile Kill kill;
    private FakeZtunnel ztunnel;
    private ZtunnelServer server;
    private AmbientEngine engine;
    private AmbientPod pod;
    private Path sandbox;
    private int sandboxes;

    /** The moment at which the agent is killed, and what it has outside of it. */
    private final class Kill implements PodRules, ProbeSet, StatusOutput {
        private final AtomicInteger left = new AtomicInteger(NEVER);
        private final CountDownLatch killed = new CountDownLatch(1);
        private final CountDownLatch buried = new CountDownLatch(1);

        /** Where the agent may be killed. Its thread goes on when nothing that it does can be seen any more. */
        private void point() {
            if (left.getAndDecrement() == 0) {
                killed.countDown();
            }
            if (isDead()) {
                await(buried);
                throw new RedirectException("killed");
            }
        }

        boolean isDead() {
            return killed.getCount() == 0;
        }

        private void effect(Runnable change) {
            point();
            change.run();
            point();
        }

        /** A message of its connection: ztunnel hears it or not, and nobody hears the answer. */
        Manner manner() {
            boolean before = left.getAndDecrement() == 0;
            boolean after = !before && left.getAndDecrement() == 0;
            if (!before && !after && !isDead()) {
                return Manner.PROPER;
            }
            killed.countDown();
            return before ? Manner.DEAF : Manner.SILENT;
        }

        @Override
        public State state(AmbientPod of, SharedDescriptor namespace) {
            return node.state(of, namespace);
        }

        @Override
        public List<String> differences(AmbientPod of, SharedDescriptor namespace) {
            return node.differences(of, namespace);
        }

        @Override
        public void apply(AmbientPod of, SharedDescriptor namespace, Deadline deadline) {
            effect(() -> node.putRules(namespace.key(), FakeNode.HALF));
            effect(() -> node.apply(of, namespace, deadline));
        }

        @Override
        public void remove(SharedDescriptor namespace, Deadline deadline) {
            effect(() -> node.putRules(namespace.key(), FakeNode.HALF));
            effect(() -> node.remove(namespace, deadline));
        }

        @Override
        public boolean isListening(AmbientPod of, SharedDescriptor namespace) {
            return node.isListening(of, namespace);
        }

        @Override
        public boolean covers(InetAddress address) {
            return node.probes.covers(address);
        }

        @Override
        public Optional<String> owner(InetAddress address) {
            return node.probes.owner(address);
        }

        @Override
        public Map<InetAddress, String> entries() {
            return node.probes.entries();
        }

        @Override
        public void put(InetAddress address, String uid) {
            effect(() -> node.probes.put(address, uid));
        }

        @Override
        public void remove(InetAddress address, String uid) {
            effect(() -> node.probes.remove(address, uid));
        }

        @Override
        public List<String> differences(Map<InetAddress, String> wanted) {
            return node.probes.differences(wanted);
        }

        @Override
        public void restore(Map<InetAddress, String> wanted) {
            effect(() -> node.probes.restore(wanted));
        }

        @Override
        public MeshStatus shown(AmbientPod of) {
            return node.shown(of);
        }

        @Override
        public void show(AmbientPod of, MeshStatus status) {
            effect(() -> node.show(of, status));
        }
    }

    @Test
    void anAddThatIsKilledIsMadeUpForByTheNextOne() throws Exception {
        killedEverywhere(() -> {}, () -> engine.add(pod, sandbox, soon()), () -> {
            takeOver(true);
            boolean _ = engine.delete("a", sandbox, soon());
            node.end(key(sandbox));
            sandbox = newSandbox();
            engine.add(pod, sandbox, soon());
            assertEnrolled();
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aPodThatJoinsWhileItRunsHasJoinedOrLeftInTheEnd(boolean wantedAfterwards) throws Exception {
        killedEverywhere(() -> {}, this::join, () -> {
            takeOver(wantedAfterwards);
            reconcile(wantedAfterwards);
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aPodThatLeavesHasLeftOrJoinedInTheEnd(boolean wantedAfterwards) throws Exception {
        killedEverywhere(this::join, () -> engine.leave(pod, soon()), () -> {
            takeOver(wantedAfterwards);
            reconcile(wantedAfterwards);
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void ofAPodThatEndsNothingIsLeft(boolean byDel) throws Exception {
        killedEverywhere(
                this::join,
                () -> {
                    if (byDel) {
                        boolean _ = engine.delete("a", sandbox, soon());
                    } else {
                        engine.gone(pod, soon());
                    }
                },
                () -> {
                    node.end(key(sandbox));
                    node.setStatus("a", MeshStatus.NONE);
                    List<String> _ = engine.sweepProbes();
                    server.start();
                    assertOutside();
                });
    }

    private interface Attempt {
        void run() throws Exception;
    }

    /**
     * Has the agent killed at the first point of an action, at the second, and so on, until the action ends before
     * that.
     *
     * @param before how the pod gets where it is
     * @param afterwards what the next agent and the runtime do, and what is so then
     */
    private void killedEverywhere(Attempt before, Attempt action, Attempt afterwards) throws Exception {
        boolean killed = true;
        int point = 0;
        for (; killed; point++) {
            start();
            try {
                before.run();
                killed = killedAt(point, action);
                if (killed) {
                    startAgent();
                    afterwards.run();
                    assertThat(ztunnel.brokenRules()).isEmpty();
                }
            } catch (AssertionError | AmbientException e) {
                throw new AssertionError("killed at point " + point + ": " + e.getMessage(), e);
            } finally {
                engine.close();
                server.close();
                ztunnel.close();
            }
        }
        assertThat(point).as("points").isGreaterThan(LEAST_POINTS);
    }

    private boolean killedAt(int point, Attempt action) throws Exception {
        Kill agent = kill;
        agent.left.set(point);
        Thread thread = Thread.ofVirtual().start(() -> {
            try {
                action.run();
                eventually("ztunnel has heard all", () -> agent.isDead() || engine.isHeld("a") || !server.isKnown("a"));
            } catch (AmbientException e) {
                assertThat(agent.isDead()).as(e.toString()).isTrue();
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
        while (thread.isAlive() && !agent.isDead()) {
            boolean _ = agent.killed.await(5, TimeUnit.MILLISECONDS);
        }
        boolean dead = agent.isDead();
        server.close();
        agent.buried.countDown();
        thread.join();
        engine.close();
        return dead;
    }

    private void start() throws Exception {
        node = new FakeNode();
        pod = new AmbientPod(
                "a",
                "shop",
                "web",
                "default",
                Map.of("ambient.istio.io/dns-capture", "true"),
                List.of(InetAddress.ofLiteral("10.0.0.1"), InetAddress.ofLiteral("fd00::1")));
        sandbox = newSandbox();
        startAgent();
        server.start();
        ztunnel = FakeZtunnel.with(directory.resolve("ztunnel.sock"), () -> kill.manner(), Duration.ZERO);
        node.ztunnels.add(ztunnel);
        eventually("ztunnel is there", () -> ztunnel.snapshots() == 1);
    }

    private void startAgent() {
        kill = new Kill();
        server = ZtunnelServer.bind(directory.resolve("ztunnel.sock"), LIMITS);
        engine = new AmbientEngine(server, kill, kill, kill, SharedDescriptor::open);
    }

    /** What the next agent does before a ztunnel may ask; which pods it takes over is the enrolment's decision. */
    private void takeOver(boolean wanted) {
        boolean known;
        try (SharedDescriptor namespace = SharedDescriptor.open(sandbox)) {
            PodRules.State rules = node.state(pod, namespace);
            known = wanted
                    || node.status("a") != MeshStatus.NONE
                    || rules == PodRules.State.AS_WANTED
                    || rules == PodRules.State.PARTIAL;
        }
        if (known) {
            engine.adopt(pod, sandbox, soon());
        }
        List<String> _ = engine.sweepProbes();
        server.start();
    }

    private void reconcile(boolean wanted) throws Exception {
        if (wanted) {
            List<String> _ = engine.settle(pod, soon());
            assertEnrolled();
        } else {
            if (engine.isHeld("a")) {
                engine.leave(pod, soon());
            }
            assertOutside();
        }
    }

    private void join() {
        engine.adopt(pod, sandbox, soon());
        List<String> _ = engine.settle(pod, soon());
    }

    private void assertEnrolled() throws Exception {
        FileKey key = key(sandbox);
        assertThat(node.rulesIn(key)).contains(pod.annotations());
        assertThat(ztunnel.proxies()).isEqualTo(Map.of("a", key));
        assertThat(node.probes.entries())
                .isEqualTo(
                        Map.of(pod.addresses().getFirst(), "a", pod.addresses().getLast(), "a"));
        assertThat(node.status("a")).isEqualTo(MeshStatus.ENABLED);
    }

    private void assertOutside() throws Exception {
        assertThat(node.rulesIn(key(sandbox))).isEmpty();
        assertThat(node.probes.entries()).isEmpty();
        assertThat(node.status("a")).isEqualTo(MeshStatus.NONE);
        eventually(
                "ztunnel has heard of it",
                () -> !server.connections().isEmpty() && ztunnel.proxies().isEmpty());
    }

    private Path newSandbox() throws IOException {
        return Files.createFile(directory.resolve("netns-" + sandboxes++));
    }

    private static FileKey key(Path sandbox) {
        try (SharedDescriptor opened = SharedDescriptor.open(sandbox)) {
            return opened.key();
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static Deadline soon() {
        return Deadline.after(Duration.ofSeconds(10));
    }
}
