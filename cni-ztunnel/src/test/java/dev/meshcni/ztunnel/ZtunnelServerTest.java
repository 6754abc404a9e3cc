// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ztunnel;

import static dev.meshcni.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.libc.FileKey;
import dev.meshcni.libc.PacketSocket;
import dev.meshcni.libc.SharedDescriptor;
import dev.meshcni.ztunnel.ZtunnelException.Reason;
import dev.meshcni.ztunnel.testkit.FakeZtunnel;
import dev.meshcni.ztunnel.testkit.Manner;
import dev.meshcni.ztunnel.testkit.OpenFiles;
import dev.meshcni.ztunnel.testkit.ZdsSchema;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The server with ztunnels that speak the protocol over the real socket. */
class ZtunnelServerTest {
    private static final Duration ACK = Duration.ofMillis(150);
    private static final Duration LATE = Duration.ofMillis(250);
    private static final ZdsLimits LIMITS =
            new ZdsLimits(Duration.ofMillis(300), ACK, Duration.ofMillis(400), 4, 10_000);

    @TempDir
    private Path directory;

    private Path path;
    private ZtunnelServer server;
    private final List<FakeZtunnel> ztunnels = new ArrayList<>();
    private final Map<String, SharedDescriptor> namespaces = new LinkedHashMap<>();
    private OpenFiles before;

    @BeforeEach
    void bind() {
        before = OpenFiles.now(directory);
        path = directory.resolve("ztunnel.sock");
        server = ZtunnelServer.bind(path, LIMITS);
    }

    @AfterEach
    void nothingIsLeft() throws Exception {
        server.close();
        ztunnels.forEach(FakeZtunnel::close);
        namespaces.values().forEach(SharedDescriptor::close);
        assertThat(ztunnels)
                .allSatisfy(ztunnel -> assertThat(ztunnel.brokenRules()).isEmpty());
        before.awaitNothingMore();
    }

    @Test
    void aPodIsServedInItsNamespaceUnderItsNames() {
        server.start();
        FakeZtunnel ztunnel = connect();

        serve("a");

        assertThat(ztunnel.proxies()).isEqualTo(keys("a"));
        assertThat(ztunnel.info("a")).isEqualTo("shop/pod-a/default");
        assertThat(server.isServed("a", namespace("a").key())).isTrue();
        assertThat(server.isServed("a", namespace("b").key())).isFalse();
        assertThat(server.problem()).isEmpty();
    }

    @Test
    void aPodThatIsForgottenIsServedNoLonger() throws Exception {
        server.start();
        FakeZtunnel ztunnel = connect();
        serve("a");

        server.forget("a");

        assertThat(server.awaitForgotten("a", soon())).isTrue();
        // What comes before the end of the snapshot takes effect with it.
        eventually("ztunnel has closed it", () -> ztunnel.proxies().isEmpty());
        assertThat(server.isKnown("a")).isFalse();
    }

    @Test
    void aPodInANewNamespaceIsServedThere() {
        server.start();
        FakeZtunnel ztunnel = connect();
        serve("a");

        server.serve("a", info("a"), namespace("b"), soon());

        assertThat(ztunnel.proxies()).isEqualTo(Map.of("a", namespace("b").key()));
    }

    @Test
    void aSnapshotHoldsThePodsThatWereWantedBefore() throws Exception {
        server.want("a", info("a"), namespace("a"));
        server.expect("b", info("b"));
        server.want("c", info("c"), namespace("c"));
        server.start();

        FakeZtunnel ztunnel = connect();

        eventually("the snapshot is over", () -> ztunnel.snapshots() == 1);
        assertThat(ztunnel.log()).containsExactly("add a", "keep b", "add c", "snapshot_sent");
    }

    @Test
    void aPodWhoseNamespaceIsKnownStaysKnownWhenItIsExpected() throws Exception {
        server.want("a", info("a"), namespace("a"));
        server.expect("a", info("a"));
        server.start();

        FakeZtunnel ztunnel = connect();

        eventually("the snapshot is over", () -> ztunnel.snapshots() == 1);
        assertThat(ztunnel.proxies()).isEqualTo(keys("a"));
    }

    @Test
    void withoutAZtunnelTheCauseIsNamed() {
        server.start();

        ZtunnelException never = failure("a");

        assertThat(never.reason()).isEqualTo(Reason.NEVER_CONNECTED);
        assertThat(never)
                .hasMessageMatching("no ztunnel has connected to .*/ztunnel.sock in the \\d+ s since the agent started;"
                        + " it connects once istiod has answered it; see the log of the ztunnel pod on this node");
        assertThat(server.problem())
                .hasValueSatisfying(cause -> assertThat(cause).startsWith("no ztunnel has connected to "));
    }

    @Test
    void whenTheLastZtunnelHasGoneTheCauseIsNamed() {
        server.start();
        FakeZtunnel ztunnel = connect();
        serve("a");
        ztunnel.close();

        ZtunnelException gone = failure("b");

        assertThat(gone.reason()).isEqualTo(Reason.GONE);
        assertThat(gone).hasMessageContaining("; the last one left 0 s ago (");
    }

    @Test
    void aZtunnelThatSaysNothingIsNamedAndSentAway() throws Exception {
        server.start();
        FakeZtunnel mute = FakeZtunnel.mute(path);
        ztunnels.add(mute);
        eventually("it is connected", () -> !server.connections().isEmpty());

        ZtunnelException silent = catchThrowableOfType(
                ZtunnelException.class,
                () -> server.serve("a", info("a"), namespace("a"), Deadline.after(Duration.ofMillis(50))));

        assertThat(silent.reason()).isEqualTo(Reason.SILENT);
        assertThat(silent).hasMessageContaining("and has sent no hello");
        eventually("it had to connect again", () -> mute.connections() > 1);
    }

    @Test
    void aRefusalIsAnAnswerAndTheConnectionStays() throws Exception {
        server.start();
        FakeZtunnel ztunnel = connect(Manner.PROPER, Manner.REFUSING);
        eventually("the snapshot is over", () -> ztunnel.snapshots() == 1);

        ZtunnelException refused = failure("a");

        assertThat(refused.reason()).isEqualTo(Reason.REFUSED);
        assertThat(refused)
                .hasMessage(
                        "ztunnel cannot serve shop/pod-a: failure to start proxy : Bind([::]:15008, address in use)");
        assertThat(server.connections().getFirst().refused()).containsOnlyKeys("a");
        assertThat(ztunnel.pending()).containsExactly("a");
        serve("a");
        assertThat(server.connections().getFirst().refused()).isEmpty();
        assertThat(ztunnel.connections()).isEqualTo(1);
    }

    @Test
    void aRefusedPodThatIsForgottenDoesNotKeepZtunnelFromBeingReady() throws Exception {
        server.start();
        FakeZtunnel ztunnel = connect(Manner.PROPER, Manner.REFUSING);
        eventually("the snapshot is over", () -> ztunnel.snapshots() == 1);
        assertThat(failure("a").reason()).isEqualTo(Reason.REFUSED);

        server.forget("a");

        assertThat(server.awaitForgotten("a", soon())).isTrue();
        assertThat(ztunnel.pending()).isEmpty();
        assertThat(ztunnel.proxies()).isEmpty();
    }

    @Test
    void namesThatZtunnelCannotReadAreRefusedBeforeTheyAreSent() {
        WorkloadInfo endless = new WorkloadInfo("n".repeat(2000), "shop", "default");

        assertThatThrownBy(() -> server.want("a", endless, namespace("a")))
                .isInstanceOf(ZtunnelException.class)
                .hasMessageEndingWith(" bytes; ztunnel reads at most 1024 of a message");
        assertThat(server.isWanted("a")).isFalse();
    }

    static Stream<Arguments> misbehaviour() {
        return Stream.of(Manner.values())
                .filter(manner -> manner != Manner.PROPER
                        && manner != Manner.REFUSING
                        && manner != Manner.DYING_BEFORE
                        && manner != Manner.DYING_AFTER)
                .flatMap(manner -> IntStream.range(0, 5).mapToObj(at -> Arguments.of(manner, at)));
    }

    /** The first requests are add a, snapshot_sent, add b, del a and add c, in one of the orders that are possible. */
    @ParameterizedTest(name = "{0} at request {1}")
    @MethodSource("misbehaviour")
    void whateverZtunnelDoesItEndsWithWhatIsWanted(Manner manner, int at) throws Exception {
        AtomicInteger request = new AtomicInteger();
        server.want("a", info("a"), namespace("a"));
        server.start();
        FakeZtunnel ztunnel = connect(() -> request.getAndIncrement() == at ? manner : Manner.PROPER);

        serve("b");
        server.forget("a");
        assertThat(server.awaitForgotten("a", soon())).isTrue();
        List<String> wanted = new ArrayList<>(List.of("b"));
        while (wanted.size() < 2 || request.get() <= at) {
            wanted.add("c" + wanted.size());
            serve(wanted.getLast());
        }

        eventually("it serves what is wanted", () -> ztunnel.proxies().equals(keys(wanted.toArray(String[]::new))));
        eventually("one that breaks the order has to connect again", () -> ztunnel.connections() > 1);
        eventually("that is known", () -> server.isServed("b", namespace("b").key()));
    }

    /** The answer to the first add is a success, and comes when the second one is under way, which is refused. */
    @Test
    void aLateAnswerIsNotTakenForThatOfTheNextRequest() throws Exception {
        server.start();
        ConcurrentLinkedQueue<Manner> manners = new ConcurrentLinkedQueue<>(List.of(Manner.PROPER, Manner.LATE));
        FakeZtunnel ztunnel = connect(() -> manners.isEmpty() ? Manner.REFUSING : manners.poll());
        eventually("the snapshot is over", () -> ztunnel.snapshots() == 1);

        ZtunnelException late = catchThrowableOfType(
                ZtunnelException.class,
                () -> server.serve("a", info("a"), namespace("a"), Deadline.after(Duration.ofMillis(50))));
        assertThat(late.reason()).isEqualTo(Reason.LATE);
        assertThat(late)
                .hasMessageStartingWith("ztunnel has not answered for shop/pod-a in time; it is connected since");

        assertThat(failure("b").reason()).isEqualTo(Reason.REFUSED);
        assertThat(ztunnel.connections()).isEqualTo(2);
    }

    @Test
    void onTheNewestPodsAreServedAndAllHearWhatHasEnded() throws Exception {
        server.start();
        FakeZtunnel old = connect();
        serve("a");
        FakeZtunnel fresh = connect();
        eventually("the new one is ready", () -> fresh.snapshots() == 1);

        serve("b");
        assertThat(fresh.proxies()).isEqualTo(keys("a", "b"));
        assertThat(old.proxies()).isEqualTo(keys("a"));
        server.forget("a");
        assertThat(server.awaitForgotten("a", soon())).isTrue();

        assertThat(fresh.proxies()).isEqualTo(keys("b"));
        assertThat(old.proxies()).isEmpty();
        assertThat(server.connections()).extracting(ConnectionReport::serving).containsExactly(false, true);
    }

    @Test
    void whenTheNewestGoesTheOneThatRemainsGetsTheDifference() throws Exception {
        server.start();
        FakeZtunnel old = connect();
        eventually("the old one is ready", () -> old.snapshots() == 1);
        serve("a");
        FakeZtunnel fresh = connect();
        eventually("the new one is ready", () -> fresh.snapshots() == 1);
        serve("b");

        fresh.close();

        eventually("the old one serves both", () -> old.proxies().equals(keys("a", "b")));
        serve("b");
        assertThat(old.log()).containsExactly("snapshot_sent", "add a", "add b");
    }

    @Test
    void whileTheNewestHangsInItsSnapshotTheOldOneServes() throws Exception {
        server.start();
        FakeZtunnel old = connect();
        serve("a");
        FakeZtunnel hung = connect(() -> Manner.DEAF);
        eventually("it is connected", () -> server.connections().size() == 2);

        serve("b");

        assertThat(old.proxies()).isEqualTo(keys("a", "b"));
        assertThat(hung.proxies()).isEmpty();
    }

    @Test
    void aRestartOfTheAgentKeepsWhatIsNamedAndEndsTheRest() throws Exception {
        server.start();
        FakeZtunnel ztunnel = connect();
        serve("a");
        serve("b");
        serve("c");
        server.close();
        assertThat(ztunnel.proxies()).isEqualTo(keys("a", "b", "c"));
        int before = ztunnel.snapshots();

        server = ZtunnelServer.bind(path, LIMITS);
        server.want("a", info("a"), namespace("a"));
        server.expect("b", info("b"));
        server.start();

        eventually("another snapshot is over", () -> ztunnel.snapshots() > before);
        assertThat(ztunnel.proxies()).isEqualTo(keys("a", "b"));
        assertThat(server.isServed("b", namespace("b").key())).isFalse();
        assertThat(server.isServed("a", namespace("a").key())).isTrue();
    }

    @Test
    void anotherZtunnelAfterADeathGetsEverything() throws Exception {
        server.start();
        FakeZtunnel first = connect(Manner.PROPER, Manner.PROPER, Manner.DYING_AFTER);
        serve("a");
        Thread.ofPlatform().start(() -> {
            while (first.isAlive()) {
                Thread.onSpinWait();
            }
            connect();
        });

        serve("b");

        FakeZtunnel second = ztunnels.getLast();
        eventually("it has both", () -> second.proxies().equals(keys("a", "b")));
    }

    @Test
    void thereIsALimitOfConnectionsAndTheNewestAreKept() throws Exception {
        server.start();
        List<PacketSocket> sockets = new ArrayList<>();
        try {
            for (int i = 1; i <= 12; i++) {
                PacketSocket socket = PacketSocket.connect(path);
                socket.send(ZdsSchema.hello(1));
                sockets.add(socket);
                long number = i;
                eventually(
                        "it is accepted",
                        () -> server.connections().stream().anyMatch(connection -> connection.number() == number));
                assertThat(server.connections()).hasSizeLessThanOrEqualTo(LIMITS.connections());
            }
            assertThat(server.connections())
                    .extracting(ConnectionReport::number)
                    .contains(12L)
                    .isSubsetOf(9L, 10L, 11L, 12L);
            assertThat(OpenFiles.connectionThreads().stream()
                            .filter(name -> name.matches("ztunnel-\\d+"))
                            .count())
                    .isLessThanOrEqualTo(LIMITS.connections() + 1);
        } finally {
            sockets.forEach(PacketSocket::close);
        }
    }

    @Test
    void manyPodsAtOnceAreEachAnsweredForThemselves() throws Exception {
        server.start();
        AtomicInteger count = new AtomicInteger();
        // Every seventh add is refused, and its pod alone is told so.
        FakeZtunnel ztunnel = connect(() -> count.incrementAndGet() % 7 == 0 ? Manner.REFUSING : Manner.PROPER);
        eventually("the snapshot is over", () -> ztunnel.snapshots() == 1);
        IntStream.range(0, 60).forEach(i -> namespace("p" + i));

        List<Future<Boolean>> answers = new ArrayList<>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 60; i++) {
                String uid = "p" + i;
                answers.add(threads.submit(() -> isServed(uid)));
            }
        }

        int served = 0;
        for (Future<Boolean> answer : answers) {
            served += answer.get() ? 1 : 0;
        }
        assertThat(served).isBetween(45, 59);
        assertThat(server.connections().getFirst().pods()).isEqualTo(served);
        assertThat(server.connections().getFirst().refused()).hasSize(60 - served);
        assertThat(ztunnel.connections()).isEqualTo(1);
    }

    @Test
    void aPodThatIsForgottenMeanwhileIsNotWaitedFor() throws Exception {
        server.start();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<ZtunnelException> waiting = threads.submit(() -> failure("a"));
            eventually("it is wanted", () -> server.isWanted("a"));

            server.forget("a");

            assertThat(waiting.get().reason()).isIn(Reason.OVERTAKEN, Reason.NEVER_CONNECTED);
        }
    }

    private FakeZtunnel connect(Manner... manners) {
        ConcurrentLinkedQueue<Manner> queue = new ConcurrentLinkedQueue<>(List.of(manners));
        return connect(() -> {
            Manner next = queue.poll();
            return next == null ? Manner.PROPER : next;
        });
    }

    private FakeZtunnel connect(Supplier<Manner> manners) {
        FakeZtunnel ztunnel = FakeZtunnel.with(path, manners, LATE);
        ztunnels.add(ztunnel);
        return ztunnel;
    }

    private void serve(String uid) {
        server.serve(uid, info(uid), namespace(uid), soon());
    }

    private boolean isServed(String uid) {
        try {
            serve(uid);
            return true;
        } catch (ZtunnelException e) {
            assertThat(e).hasMessageContaining("shop/pod-" + uid + ": ");
            return false;
        }
    }

    private ZtunnelException failure(String uid) {
        return catchThrowableOfType(ZtunnelException.class, () -> serve(uid));
    }

    private synchronized SharedDescriptor namespace(String uid) {
        return namespaces.computeIfAbsent(uid, name -> {
            try {
                return SharedDescriptor.open(Files.createFile(directory.resolve("netns-" + name)));
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        });
    }

    private Map<String, FileKey> keys(String... uids) {
        Map<String, FileKey> keys = new LinkedHashMap<>();
        for (String uid : uids) {
            keys.put(uid, namespace(uid).key());
        }
        return keys;
    }

    private static WorkloadInfo info(String uid) {
        return new WorkloadInfo("pod-" + uid, "shop", "default");
    }

    private static Deadline soon() {
        return Deadline.after(Duration.ofSeconds(10));
    }
}
