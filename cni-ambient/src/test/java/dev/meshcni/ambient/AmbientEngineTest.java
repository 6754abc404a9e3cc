// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import static dev.meshcni.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.meshcni.ambient.FakeNode.Failure;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.libc.FileKey;
import dev.meshcni.libc.SharedDescriptor;
import dev.meshcni.ztunnel.ZdsLimits;
import dev.meshcni.ztunnel.ZtunnelServer;
import dev.meshcni.ztunnel.testkit.FakeZtunnel;
import dev.meshcni.ztunnel.testkit.Manner;
import dev.meshcni.ztunnel.testkit.OpenFiles;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class AmbientEngineTest {
    private static final ZdsLimits LIMITS =
            new ZdsLimits(Duration.ofMillis(500), Duration.ofMillis(300), Duration.ofMillis(200), 4, 10_000);

    @TempDir
    private Path directory;

    private final FakeNode node = new FakeNode();
    private final ConcurrentLinkedQueue<Manner> manners = new ConcurrentLinkedQueue<>();
    private ZtunnelServer server;
    private AmbientEngine engine;
    private FakeZtunnel ztunnel;
    private AmbientPod pod;
    private Path sandbox;
    private OpenFiles before;

    @BeforeEach
    void start() throws Exception {
        before = OpenFiles.now(directory);
        pod = pod("a", Map.of(), "10.0.0.1", "fd00::1");
        sandbox = sandbox("one");
        server = ZtunnelServer.bind(directory.resolve("ztunnel.sock"), LIMITS);
        engine = new AmbientEngine(server, node, node.probes, node, SharedDescriptor::open);
        server.start();
        connect();
        eventually("it is ready", () -> ztunnel.snapshots() == 1);
    }

    @AfterEach
    void nothingIsLeft() throws Exception {
        engine.close();
        server.close();
        node.ztunnels.forEach(FakeZtunnel::close);
        assertThat(node.ztunnels)
                .allSatisfy(fake -> assertThat(fake.brokenRules()).isEmpty());
        before.awaitNothingMore();
    }

    @Test
    void anAddThatSucceedsHasDoneAllOfIt() throws Exception {
        engine.add(pod, sandbox, soon());

        assertEnrolled(pod, sandbox);
    }

    @Test
    void aSecondAddOfTheSameSandboxChangesNothing() throws Exception {
        engine.add(pod, sandbox, soon());
        node.failAt(-1, Failure.NONE);

        engine.add(pod, sandbox, soon());

        assertThat(node.changes()).isZero();
        assertEnrolled(pod, sandbox);
    }

    /** The changes of an ADD are: rules, and the exemption of two addresses. */
    @ParameterizedTest
    @CsvSource({"0, BEFORE", "0, AFTER", "1, BEFORE", "1, AFTER", "2, BEFORE", "2, AFTER"})
    void anAddThatFailsLeavesNothing(int change, Failure how) throws Exception {
        node.failAt(change, how);

        assertThatThrownBy(() -> engine.add(pod, sandbox, soon()))
                .isInstanceOf(AmbientException.class)
                .hasMessageStartingWith("pod shop/pod-a (UID a), ")
                .hasMessageContaining("injected");

        assertNothingIsLeft();
        engine.add(pod, sandbox, soon());
        assertEnrolled(pod, sandbox);
    }

    @ParameterizedTest
    @EnumSource(
            value = Manner.class,
            mode = EnumSource.Mode.EXCLUDE,
            names = {"PROPER", "REFUSING", "DYING_BEFORE", "DYING_AFTER"})
    void anAddThatZtunnelSpoilsSucceedsOnceItBehavesOrLeavesNothing(Manner manner) throws Exception {
        manners.add(manner);

        try {
            engine.add(pod, sandbox, Deadline.after(Duration.ofSeconds(2)));
        } catch (AmbientException e) {
            assertNothingIsLeft();
            return;
        }

        assertEnrolled(pod, sandbox);
    }

    @Test
    void anAddThatZtunnelRefusesLeavesNothing() throws Exception {
        manners.add(Manner.REFUSING);

        assertThatThrownBy(() -> engine.add(pod, sandbox, soon()))
                .isInstanceOf(AmbientException.class)
                .hasMessage("pod shop/pod-a (UID a), giving it to ztunnel: ztunnel cannot serve shop/pod-a: failure to"
                        + " start proxy : Bind([::]:15008, address in use)");

        assertNothingIsLeft();
    }

    @Test
    void anAcknowledgementWithoutOpenPortsIsNotEnough() throws Exception {
        node.closePorts(1);

        engine.add(pod, sandbox, soon());

        assertThat(ztunnel.log()).containsExactly("snapshot_sent", "add a", "del a", "add a");
        assertEnrolled(pod, sandbox);
    }

    @Test
    void anAcknowledgementWithoutOpenPortsForGoodIsAFailure() throws Exception {
        node.closePorts(2);

        assertThatThrownBy(() -> engine.add(pod, sandbox, soon()))
                .isInstanceOf(AmbientException.class)
                .hasMessage("pod shop/pod-a (UID a), giving it to ztunnel: ztunnel says that it serves the pod, but its"
                        + " ports are not open in " + key(sandbox));

        assertNothingIsLeft();
    }

    @Test
    void aNewSandboxWhoseAddFailsLeavesNothingOfTheFormerOneEither() throws Exception {
        engine.add(pod, sandbox, soon());
        Path next = sandbox("two");
        node.failAt(0, Failure.BEFORE);

        assertThatThrownBy(() -> engine.add(pod, next, soon()))
                .isInstanceOf(AmbientException.class)
                .hasMessage("pod shop/pod-a (UID a), ending the exemptions of its former sandbox: injected before");

        assertThat(node.probes.entries()).isEmpty();
        assertThat(engine.pods()).isEmpty();
        eventually("ztunnel has let go", () -> ztunnel.proxies().isEmpty());
    }

    @Test
    void withoutAZtunnelAnAddFailsAndNamesTheCause() throws Exception {
        ztunnel.close();

        assertThatThrownBy(() -> engine.add(pod, sandbox, soon()))
                .isInstanceOf(AmbientException.class)
                .hasMessageStartingWith(
                        "pod shop/pod-a (UID a), giving it to ztunnel: no ztunnel is connected to " + directory)
                .hasMessageContaining("the last one left");

        assertNothingIsLeft();
    }

    @Test
    void anAddOfASandboxThatIsGoneFails() throws Exception {
        assertThatThrownBy(() -> engine.add(pod, directory.resolve("gone"), soon()))
                .isInstanceOf(AmbientException.class)
                .hasMessage("the network namespace of pod shop/pod-a (UID a): " + directory.resolve("gone")
                        + " does not exist");

        assertNothingIsLeft();
    }

    @Test
    void theNodesOwnNamespaceIsRefused() {
        Path own = Path.of("/proc/self/ns/net");

        assertThatThrownBy(() -> PodNamespaces.except(List.of(own)).open(Path.of("/proc/thread-self/ns/net")))
                .hasMessage("/proc/thread-self/ns/net is the network namespace of " + own
                        + " and not of a pod; nothing was changed");
    }

    @Test
    void whenAlsoTakingBackFailsItIsTriedAgain() throws Exception {
        manners.add(Manner.REFUSING);
        node.failAt(1, Failure.BEFORE);

        AmbientException failure = catchThrowableOfType(AmbientException.class, () -> engine.add(pod, sandbox, soon()));

        assertThat(failure.getSuppressed())
                .singleElement()
                .satisfies(undo ->
                        assertThat(undo).hasMessage("pod shop/pod-a (UID a), removing its rules: injected before"));
        assertThat(engine.pods()).containsExactly("a");
        settle();
        assertNothingIsLeft();
    }

    @Test
    void aDelLetsGoOfThePodAtOnce() throws Exception {
        engine.add(pod, sandbox, soon());

        assertThat(engine.delete("a", sandbox, soon())).isTrue();

        eventually("ztunnel has let go", () -> ztunnel.proxies().isEmpty());
        assertThat(node.probes.entries()).isEmpty();
        assertThat(engine.pods()).isEmpty();
    }

    @Test
    void aLateDelOfAnEarlierSandboxChangesNothing() throws Exception {
        Path next = sandbox("two");
        engine.add(pod, sandbox, soon());
        engine.add(pod, next, soon());

        assertThat(engine.delete("a", sandbox, soon())).isFalse();
        assertThat(engine.delete("a", directory.resolve("gone"), soon())).isFalse();
        assertThat(engine.delete("other", next, soon())).isFalse();

        assertEnrolled(pod, next);
    }

    /** The end of the former sandbox is still to be done; the pod runs in another one, which no ADD has told. */
    @Test
    void aPodThatRunsInAnotherSandboxThanTheOneThatEndsJoinsThere() throws Exception {
        engine.add(pod, sandbox, soon());
        node.failAt(0, Failure.BEFORE);
        assertThatThrownBy(() -> engine.delete("a", sandbox, soon())).hasMessageContaining("injected");
        assertThat(engine.isHeld("a")).isFalse();
        sandbox = sandbox("two");

        join(pod);

        assertEnrolled(pod, sandbox);
    }

    @Test
    void aDelDoesNotWaitForAnAddThatWaitsForZtunnel() throws Exception {
        ztunnel.close();
        connect(Manner.PROPER, Manner.SILENT);
        eventually("it is ready", () -> ztunnel.snapshots() == 1);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<AmbientException> adding = threads.submit(
                    () -> catchThrowableOfType(AmbientException.class, () -> engine.add(pod, sandbox, soon())));
            eventually("ztunnel is asked", () -> ztunnel.log().contains("add a"));

            engine.delete("a", sandbox, soon());

            assertThat(adding.get()).hasMessageContaining("is not wanted any more");
        }
        assertNothingIsLeft();
    }

    @Test
    void aSuccessorOfTheSameNameIsAnotherPod() throws Exception {
        AmbientPod successor = new AmbientPod("b", "shop", "pod-a", "default", Map.of(), pod.addresses());
        Path next = sandbox("two");
        engine.add(pod, sandbox, soon());
        engine.add(successor, next, soon());

        engine.gone(pod, soon());

        assertEnrolled(successor, next);
        eventually("the old one is gone", () -> !ztunnel.proxies().containsKey("a"));
    }

    @Test
    void aPodInANewSandboxIsServedThereAndTheOldOneIsLetGoOf() throws Exception {
        Path next = sandbox("two");
        engine.add(pod, sandbox, soon());

        engine.add(pod, next, soon());

        assertEnrolled(pod, next);
        assertThat(OpenFiles.now(directory).descriptors()).noneMatch(open -> open.startsWith(sandbox.toString()));
    }

    @Test
    void aPodThatRunsIsNotCapturedWhileZtunnelIsAway() throws Exception {
        ztunnel.close();

        assertThatThrownBy(() -> join(pod)).isInstanceOf(AmbientException.class);

        assertThat(node.rulesIn(key(sandbox))).isEmpty();
        assertThat(node.status("a")).isEqualTo(MeshStatus.NONE);
        connect();
        settle();
        assertEnrolled(pod, sandbox);
    }

    @Test
    void aPodThatWasMadeInTheMeshIsCutOffAndPendingRatherThanToTalkOutsideOfIt() throws Exception {
        engine.add(pod, sandbox, soon());
        ztunnel.close();
        node.end(key(sandbox));

        assertThatThrownBy(() -> engine.settle(pod, soon())).isInstanceOf(AmbientException.class);

        assertThat(node.rulesIn(key(sandbox))).isPresent();
        assertThat(node.status("a")).isEqualTo(MeshStatus.PENDING);
        connect();
        settle();
        assertEnrolled(pod, sandbox);
    }

    @Test
    void annotationsThatChangeAreFollowed() throws Exception {
        engine.add(pod, sandbox, soon());
        AmbientPod changed = pod("a", Map.of("ambient.istio.io/dns-capture", "true"), "10.0.0.1", "fd00::1");

        assertThat(engine.settle(changed, soon())).as("changed by others").isEmpty();

        assertEnrolled(changed, sandbox);
        assertThat(node.rulesIn(key(sandbox))).contains(changed.annotations());
    }

    @Test
    void rulesThatDifferStayWhileNobodyWouldTakeTheTraffic() throws Exception {
        engine.add(pod, sandbox, soon());
        ztunnel.close();
        AmbientPod changed = pod("a", Map.of("ambient.istio.io/dns-capture", "true"), "10.0.0.1", "fd00::1");

        assertThatThrownBy(() -> engine.settle(changed, soon())).isInstanceOf(AmbientException.class);

        assertThat(node.rulesIn(key(sandbox))).contains(pod.annotations());
        assertThat(node.status("a")).isEqualTo(MeshStatus.PENDING);
    }

    @Test
    void aPodThatLeavesTalksInPlainTextAfterwards() throws Exception {
        engine.add(pod, sandbox, soon());

        engine.leave(pod, sandbox, soon());

        assertNothingIsLeft();
    }

    @Test
    void aPodIsNotCutOffWhenItsRulesCannotBeRemoved() throws Exception {
        engine.add(pod, sandbox, soon());
        node.failAt(0, Failure.BEFORE);

        assertThatThrownBy(() -> engine.leave(pod, sandbox, soon()))
                .hasMessage("pod shop/pod-a (UID a), removing its rules: injected before");

        assertThat(ztunnel.proxies()).containsKey("a");
        assertThat(node.probes.entries()).hasSize(2);
        assertThat(engine.namespace("a")).contains(key(sandbox));
        assertThat(node.status("a")).isEqualTo(MeshStatus.PENDING);
        settle();
        assertNothingIsLeft();
    }

    @Test
    void aPodOfAnEarlierAgentLeavesAsWell() throws Exception {
        engine.add(pod, sandbox, soon());
        restartAgent();

        engine.leave(pod, sandbox, soon());

        assertNothingIsLeft();
    }

    @Test
    void afterARestartOfTheAgentNothingIsChangedThatIsAsWanted() throws Exception {
        engine.add(pod, sandbox, soon());
        restartAgent();
        node.failAt(-1, Failure.NONE);

        join(pod);

        assertThat(node.changes()).isZero();
        assertThat(ztunnel.proxies()).containsKey("a");
        assertEnrolled(pod, sandbox);
    }

    @Test
    void aPodWhoseNamespaceIsNotFoundYetIsKeptAndNotShownAsEnrolled() throws Exception {
        engine.add(pod, sandbox, soon());
        engine.close();
        server.close();
        server = ZtunnelServer.bind(directory.resolve("ztunnel.sock"), LIMITS);
        engine = new AmbientEngine(server, node, node.probes, node, SharedDescriptor::open);
        engine.expect(pod, soon());
        server.start();
        eventually("the snapshot is over", () -> ztunnel.snapshots() == 2);

        assertThat(ztunnel.proxies()).containsKey("a");
        assertThat(node.status("a")).isEqualTo(MeshStatus.PENDING);
        join(pod);
        assertEnrolled(pod, sandbox);
    }

    @Test
    void theStatusIsOutputOnly() throws Exception {
        node.setStatus("a", MeshStatus.ENABLED);
        engine.add(pod, sandbox, soon());
        assertEnrolled(pod, sandbox);
        node.setStatus("a", MeshStatus.NONE);

        settle();

        assertEnrolled(pod, sandbox);
    }

    @Test
    void whatSomebodyChangesIsNamedAndRestored() throws Exception {
        engine.add(pod, sandbox, soon());
        node.end(key(sandbox));
        node.probes.flush();
        node.setStatus("a", MeshStatus.PENDING);

        assertThat(engine.settle(pod, soon()))
                .containsExactly(
                        "no rules",
                        "the kubelet's probes are not exempt",
                        "its annotation does not say that it is in the mesh");

        assertEnrolled(pod, sandbox);
        assertThat(engine.settle(pod, soon())).isEmpty();
        node.putRules(key(sandbox), Map.of("others", "yes"));
        node.closePorts(1);

        assertThat(engine.settle(pod, soon())).containsExactly("other rules", "ztunnel's ports are not open");

        assertEnrolled(pod, sandbox);
    }

    @Test
    void whenAnotherZtunnelServesThePodItIsFoundOutAndWaitedFor() throws Exception {
        engine.add(pod, sandbox, soon());
        ztunnel.close();
        assertThatThrownBy(this::settle).isInstanceOf(AmbientException.class);
        assertThat(node.status("a")).isEqualTo(MeshStatus.PENDING);

        connect();
        settle();

        assertEnrolled(pod, sandbox);
    }

    /** As a pod joins that runs. */
    private void join(AmbientPod joining) {
        engine.adopt(joining, sandbox, soon());
        assertThat(engine.settle(joining, soon())).as("changed by others").isEmpty();
    }

    private void settle() {
        List<String> _ = engine.settle("a", soon());
    }

    private void restartAgent() {
        engine.close();
        server.close();
        server = ZtunnelServer.bind(directory.resolve("ztunnel.sock"), LIMITS);
        engine = new AmbientEngine(server, node, node.probes, node, SharedDescriptor::open);
        engine.expect(pod, soon());
        server.start();
    }

    private void connect(Manner... some) {
        manners.addAll(List.of(some));
        ztunnel = FakeZtunnel.with(
                directory.resolve("ztunnel.sock"),
                () -> {
                    Manner next = manners.poll();
                    return next == null ? Manner.PROPER : next;
                },
                Duration.ofMillis(400));
        node.ztunnels.add(ztunnel);
    }

    private void assertEnrolled(AmbientPod enrolled, Path in) throws Exception {
        FileKey key = key(in);
        assertThat(node.rulesIn(key)).contains(enrolled.annotations());
        assertThat(ztunnel.proxies()).containsEntry(enrolled.uid(), key);
        // After an answer that nobody has asked for, it has to connect again.
        eventually("ztunnel serves the pod", () -> server.isServed(enrolled.uid(), key));
        assertThat(node.probes.entries()).containsOnlyKeys(enrolled.addresses());
        assertThat(node.probes.entries().values()).containsOnly(enrolled.uid());
        assertThat(node.status(enrolled.uid())).isEqualTo(MeshStatus.ENABLED);
        assertThat(engine.namespace(enrolled.uid())).contains(key);
    }

    private void assertNothingIsLeft() throws Exception {
        assertThat(node.rulesIn(key(sandbox))).isEmpty();
        assertThat(node.probes.entries()).isEmpty();
        assertThat(node.status("a")).isEqualTo(MeshStatus.NONE);
        assertThat(engine.pods()).isEmpty();
        assertThat(server.isWanted("a")).isFalse();
        eventually(
                "ztunnel has let go",
                () -> ztunnel.proxies().isEmpty() && ztunnel.pending().isEmpty());
    }

    private Path sandbox(String name) throws IOException {
        return Files.createFile(directory.resolve("netns-" + name));
    }

    private static FileKey key(Path sandbox) {
        try (SharedDescriptor opened = SharedDescriptor.open(sandbox)) {
            return opened.key();
        }
    }

    private static AmbientPod pod(String uid, Map<String, String> annotations, String... addresses)
            throws UnknownHostException {
        InetAddress[] parsed = new InetAddress[addresses.length];
        for (int i = 0; i < addresses.length; i++) {
            parsed[i] = InetAddress.getByName(addresses[i]);
        }
        return new AmbientPod(uid, "shop", "pod-" + uid, "default", annotations, List.of(parsed));
    }

    private static Deadline soon() {
        return Deadline.after(Duration.ofSeconds(10));
    }
}
