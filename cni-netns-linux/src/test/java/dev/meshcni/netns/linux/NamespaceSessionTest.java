// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.NamespaceHandle;
import dev.meshcni.core.spi.NamespaceId;
import dev.meshcni.core.spi.NetnsException;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.libc.ChildProcess;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.testkit.HungFileSystem;
import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** One handle for one namespace: whatever its path does meanwhile, and whoever else wants in. */
@Timeout(120)
@NeedsRoot("makes network namespaces")
class NamespaceSessionTest {
    private static final RedirectPlan NOTHING = new RedirectPlan(List.of(), List.of(), Optional.empty());
    private static final RedirectPlan PLAN = Plans.redirect(IpFamily.IPV4);
    private static final Duration LONG = Duration.ofSeconds(60);

    private final NamespaceSession.Occupancy occupancy = new NamespaceSession.Occupancy();

    @TempDir
    private Path directory;

    /** What wakes a virtual thread may start the thread that carries it, which inherits the namespace. */
    @Test
    void noThreadOfThisProcessIsLeftInANamespace() throws Exception {
        try (TestNetns netns = new TestNetns()) {
            Process program = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin/java").toString(),
                            "-Djdk.virtualThreadScheduler.parallelism=128",
                            "--enable-native-access=ALL-UNNAMED",
                            "-cp",
                            System.getProperty("java.class.path") + ":" + System.getProperty("jdk.module.path", "")
                                    + ":target/test-classes:target/classes",
                            ManyCarriers.class.getName(),
                            netns.path().toString())
                    .redirectErrorStream(true)
                    .start();
            assertThat(new String(program.getInputStream().readAllBytes(), UTF_8).strip())
                    .isEqualTo("0");
        }
    }

    @Test
    void aPathThatIsTurnedAfterItWasOpenedChangesNothing() throws IOException {
        RedirectBackend backend = new IptablesBackend("nft", HostPaths.standard());
        try (TestNetns meant = new TestNetns();
                TestNetns other = new TestNetns()) {
            Path path = Files.createSymbolicLink(directory.resolve("pod"), meant.path());

            try (NamespaceHandle handle = backend.open(path, Deadline.after(LONG))) {
                turn(path, other.path());
                handle.apply(PLAN);
            }

            assertThat(Visit.to(backend, meant.path()).differences(PLAN)).isEmpty();
            assertThat(Visit.to(backend, other.path()).differences(NOTHING)).isEmpty();
        }
    }

    @Test
    void whicheverNamespaceAPathThatKeepsTurningLeadsToTheRulesAreInTheOneThatTheHandleNames() throws Exception {
        RedirectBackend backend = new IptablesBackend("nft", HostPaths.standard());
        AtomicBoolean done = new AtomicBoolean();
        try (TestNetns one = new TestNetns();
                TestNetns two = new TestNetns()) {
            List<Path> ways = List.of(one.path(), Path.of("/proc/self/ns/net"), two.path());
            Path path = Files.createSymbolicLink(directory.resolve("pod"), one.path());
            Thread turning = Thread.ofPlatform().start(() -> {
                for (int i = 0; !done.get(); i++) {
                    turn(path, ways.get(i % ways.size()));
                }
            });
            try {
                for (int i = 0; i < 30; i++) {
                    applyWhereThePathLeads(backend, path, one, two);
                }
            } finally {
                done.set(true);
                turning.join();
            }
        }
    }

    private static void applyWhereThePathLeads(RedirectBackend backend, Path path, TestNetns one, TestNetns two) {
        NamespaceId reached;
        try (NamespaceHandle handle = backend.open(path, Deadline.after(LONG))) {
            if (handle.isOwn()) {
                return;
            }
            reached = handle.id();
            handle.apply(PLAN);
        }
        for (TestNetns netns : List.of(one, two)) {
            boolean meant = id(backend, netns).isSame(reached);
            assertThat(Visit.to(backend, netns.path()).differences(meant ? PLAN : NOTHING))
                    .isEmpty();
            Visit.to(backend, netns.path()).remove();
        }
    }

    @Test
    void whoKeepsHisTurnDoesNotKeepOthersFromTheirs() {
        List<TestNetns> busy = new ArrayList<>();
        List<NamespaceSession> sessions = new ArrayList<>();
        try (TestNetns netns = new TestNetns()) {
            for (int i = 0; i < NamespaceSession.MAX_TURNS; i++) {
                busy.add(new TestNetns());
                sessions.add(open(busy.getLast().path(), Deadline.after(LONG)));
            }

            try (NamespaceSession further = open(netns.path(), Deadline.after(LONG))) {
                assertThat(further.isOwn()).isFalse();
            }
        } finally {
            sessions.forEach(NamespaceSession::close);
            busy.forEach(TestNetns::close);
        }
    }

    @Test
    void anIdentityIsThatOfTheNamespaceAndNotOfThePath() throws IOException {
        try (TestNetns netns = new TestNetns();
                TestNetns other = new TestNetns()) {
            Path link = Files.createSymbolicLink(directory.resolve("link"), netns.path());

            NamespaceId id = id(netns.path());

            assertThat(id(link)).isEqualTo(id);
            assertThat(id.cookie()).isNotZero();
            assertThat(id(other.path()).isSame(id)).isFalse();
            assertThat(id.toString())
                    .isEqualTo(netns.shell("readlink /proc/self/ns/net").strip());
        }
    }

    @Test
    void whatFailsAfterAStayWasBegunIsThrownByWhatNeedsTheNamespace() {
        Path nowhere = directory.resolve("nowhere");

        try (NamespaceSession session = begin(nowhere)) {
            assertThatThrownBy(session::id).isInstanceOf(NetnsException.class);
            assertThatThrownBy(session::isOwn).isInstanceOf(NetnsException.class);
            assertThatThrownBy(session::addresses).isInstanceOf(NetnsException.class);
            assertThatThrownBy(() -> session.<String>inside(_ -> "in")).isInstanceOf(NetnsException.class);
        }
    }

    @Test
    void aStayThatWasBegunForNothingKeepsNobodyOut() {
        try (TestNetns netns = new TestNetns()) {
            for (int i = 0; i < 2 * NamespaceSession.MAX_SESSIONS; i++) {
                begin(netns.path()).close();
            }

            try (NamespaceSession session = open(netns.path(), Deadline.after(LONG))) {
                assertThat(session.<String>inside(_ -> "in")).isEqualTo("in");
            }
        }
    }

    @Test
    void aPathThatHangsForNobodyIsOpenedAgainBeforeItCountsAsBlocked() {
        assumeTrue(HungFileSystem.isPossible(), "needs /dev/fuse: a file system that hangs is mounted");
        try (HungFileSystem hung = HungFileSystem.mount()) {
            Path path = hung.file("netns");
            begin(path).close();

            assertThatThrownBy(() -> open(path, Deadline.after(Duration.ofMillis(100))))
                    .hasMessageContaining("did not finish before the deadline of the call");
            assertThatThrownBy(() -> begin(path))
                    .as("somebody has waited for it in vain")
                    .hasMessageContaining("is still blocked");
        }
    }

    @Test
    void aPathThatHangsForNobodyIsBlockedAfterATime() throws Exception {
        assumeTrue(HungFileSystem.isPossible(), "needs /dev/fuse: a file system that hangs is mounted");
        try (HungFileSystem hung = HungFileSystem.mount()) {
            Path path = hung.file("netns");
            begin(path).close();
            begin(hung.file("another")).close();
            begin(path).close();

            Thread.sleep(NamespaceSession.TIME_TO_OPEN);

            assertThatThrownBy(() -> begin(path)).hasMessageContaining("is still blocked");
            begin(hung.file("a third")).close();
        }
    }

    @Test
    void theNodesNamespaceIsTakenForOurOwn() throws IOException {
        try (TestNetns node = new TestNetns();
                TestNetns pod = new TestNetns()) {
            Path ofTheFirstProcess = directory.resolve("proc/1/ns/net");
            Files.createDirectories(ofTheFirstProcess.getParent());
            Files.createSymbolicLink(ofTheFirstProcess, node.path());
            HostPaths host = new HostPaths(directory);

            try (NamespaceSession inTheNode =
                            NamespaceSession.open(node.path(), host, occupancy, Deadline.after(LONG));
                    NamespaceSession inThePod =
                            NamespaceSession.open(pod.path(), host, occupancy, Deadline.after(LONG))) {
                assertThat(inTheNode.isOwn()).isTrue();
                assertThat(inThePod.isOwn()).isFalse();
            }
        }
    }

    @Test
    void theSecondOneWaitsUntilTheFirstHasLeft() {
        try (TestNetns netns = new TestNetns()) {
            CountDownLatch leave = new CountDownLatch(1);
            try (NamespaceSession first = open(netns.path(), Deadline.after(Duration.ofMillis(300)))) {
                assertThatThrownBy(() -> first.inside(_ -> waited(leave)))
                        .isInstanceOf(RedirectException.class)
                        .hasMessageContaining("the operation in it did not finish before the deadline of the call");
            }

            assertThatThrownBy(() -> open(netns.path(), Deadline.after(Duration.ofMillis(300))))
                    .as("what the first one began is not over, although nobody waits for it")
                    .isInstanceOf(RedirectException.class);
            leave.countDown();
            try (NamespaceSession second = open(netns.path(), Deadline.after(LONG))) {
                assertThat(second.<String>inside(_ -> "in")).isEqualTo("in");
            }
        }
    }

    @Test
    void socketsAreClosedWhenTheStayEndsEvenIfNobodyWaitedForIt() throws Exception {
        CountDownLatch leave = new CountDownLatch(1);
        try (TestNetns netns = new TestNetns()) {
            long before = openSockets();
            try (NamespaceSession session = open(netns.path(), Deadline.after(Duration.ofMillis(300)))) {
                assertThatThrownBy(() -> session.inside(sockets -> {
                            sockets.netfilter();
                            return waited(leave);
                        }))
                        .isInstanceOf(RedirectException.class);
                assertThat(openSockets()).isEqualTo(before + 2);
            }

            leave.countDown();

            while (openSockets() > before) {
                Thread.sleep(1);
            }
        }
    }

    private static long openSockets() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
            return files.filter(file -> {
                        try {
                            return Files.readSymbolicLink(file).toString().startsWith("socket:");
                        } catch (IOException e) {
                            // Closed meanwhile.
                            return false;
                        }
                    })
                    .count();
        }
    }

    @Test
    void aProgramIsKilledWhenTheTimeOfTheCallIsOver() {
        try (TestNetns netns = new TestNetns();
                NamespaceSession session = open(netns.path(), Deadline.after(Duration.ofMillis(500)))) {
            assertThatThrownBy(() -> session.inside(_ -> ChildProcess.run(
                            Path.of("/bin/sleep"), List.of("60"), List.of(), "", Duration.ofSeconds(30))))
                    .isInstanceOf(RedirectException.class);
        }
        assertThat(ProcessHandle.current().descendants().filter(NamespaceSessionTest::isSleep))
                .isEmpty();
    }

    private static boolean isSleep(ProcessHandle process) {
        try {
            Thread.sleep(Duration.ofMillis(500));
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        return process.isAlive() && process.info().command().orElse("").endsWith("/sleep");
    }

    private NamespaceSession open(Path path, Deadline deadline) {
        return NamespaceSession.open(path, HostPaths.standard(), occupancy, deadline);
    }

    private NamespaceSession begin(Path path) {
        return NamespaceSession.begin(path, HostPaths.standard(), occupancy, Deadline.after(LONG));
    }

    private NamespaceId id(Path path) {
        try (NamespaceSession session = open(path, Deadline.after(LONG))) {
            return session.id();
        }
    }

    private static NamespaceId id(RedirectBackend backend, TestNetns netns) {
        try (NamespaceHandle handle = backend.open(netns.path(), Deadline.after(LONG))) {
            return handle.id();
        }
    }

    private static String waited(CountDownLatch latch) {
        try {
            latch.await();
            return "";
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static void turn(Path path, Path target) {
        try {
            Path fresh = Files.createSymbolicLink(path.resolveSibling("turning"), target);
            Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
