// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.core.spi.NetnsException;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@NeedsRoot("makes network namespaces")
class NetworkNamespaceTest {
    @Test
    void theActionIsInsideAndTheCallerStaysOutside() throws IOException {
        try (TestNetns netns = new TestNetns()) {
            String outside = own();

            String inside = NetworkNamespace.inside(netns.path(), NetworkNamespaceTest::own);

            assertThat(inside).isEqualTo("net:[" + Files.getAttribute(netns.path(), "unix:ino") + "]");
            assertThat(own()).isEqualTo(outside).isNotEqualTo(inside);
        }
    }

    @Test
    void aThrowawayNamespaceIsANewOneAndGoesWithTheAction() {
        List<String> seen = new ArrayList<>();

        boolean ran = NetworkNamespace.withNew(path -> {
            seen.add(path.toString());
            seen.add(NetworkNamespace.inside(path, NetworkNamespaceTest::own));
            seen.add(own());
            seen.add(NetworkNamespace.inside(path, NetworkNamespaceTest::addresses));
        });

        assertThat(ran).isTrue();
        assertThat(seen.get(1)).isNotEqualTo(own());
        assertThat(seen.get(2)).isEqualTo(own());
        assertThat(seen.get(3)).contains("/127.0.0.1");
        assertThat(Path.of(seen.getFirst()))
                .satisfiesAnyOf(
                        path -> assertThat(path).doesNotExist(),
                        path -> assertThat(Files.readSymbolicLink(path).toString())
                                .isNotEqualTo(seen.get(1)));
    }

    @Test
    void exceptionsOfTheActionArePassedOn() {
        assertThatThrownBy(() -> NetworkNamespace.insideNew(() -> {
                    throw new IllegalStateException("from inside");
                }))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("from inside");
    }

    @Test
    void aPathThatIsNoNamespaceIsRefused(@TempDir Path directory) throws IOException {
        Path file = Files.createFile(directory.resolve("file"));

        assertThatThrownBy(() -> NetworkNamespace.inside(directory.resolve("gone"), () -> 0))
                .isInstanceOf(NetnsException.class)
                .hasMessage("network namespace " + directory + "/gone does not exist");
        assertThatThrownBy(() -> NetworkNamespace.inside(file.resolve("below"), () -> 0))
                .isInstanceOf(NetnsException.class)
                .hasMessageEndingWith("does not exist");
        assertThatThrownBy(() -> NetworkNamespace.inside(file, () -> 0))
                .isInstanceOf(NetnsException.class)
                .hasMessage(file + " is not a network namespace");
        assertThatThrownBy(() -> NetworkNamespace.inside(Path.of("/proc/self/ns/uts"), () -> 0))
                .isInstanceOf(NetnsException.class)
                .hasMessage("/proc/self/ns/uts is not a network namespace");
    }

    @Test
    void aFifoDoesNotBlock(@TempDir Path directory) {
        Path fifo = directory.resolve("fifo");
        TestNetns.run("mkfifo", fifo.toString());

        assertThatThrownBy(() -> NetworkNamespace.inside(fifo, () -> 0)).isInstanceOf(RedirectException.class);
    }

    @Test
    void anInterruptedCallerWaitsAndStaysInterrupted() throws InterruptedException {
        CountDownLatch running = new CountDownLatch(1);
        CountDownLatch finish = new CountDownLatch(1);
        AtomicReference<String> result = new AtomicReference<>();
        Thread caller = Thread.ofPlatform().start(() -> {
            String value = NetworkNamespace.insideNew(() -> {
                running.countDown();
                awaitQuietly(finish);
                return "done";
            });
            result.set(value + ", interrupted: " + Thread.currentThread().isInterrupted());
        });
        running.await();
        caller.interrupt();
        finish.countDown();
        caller.join();

        assertThat(result.get()).isEqualTo("done, interrupted: true");
    }

    @Test
    void noThreadStaysInAnotherNamespace() throws InterruptedException {
        IptablesBackend iptables = new IptablesBackend("nft", HostPaths.standard());
        NftBackend nftables = new NftBackend();
        try (TestNetns netns = new TestNetns()) {
            for (int i = 0; i < 3; i++) {
                Visit.to(iptables, netns.path()).apply(Plans.everything(dev.meshcni.rules.IpFamily.values()));
                Visit.to(nftables, netns.path()).apply(Plans.tproxy(dev.meshcni.rules.IpFamily.values()));
                Visit.to(iptables, netns.path()).addresses();
                Visit.to(iptables, netns.path()).remove();
            }
            // The threads that were inside have ended for Java; the kernel may need a moment longer.
            for (int tries = 0; namespacesOfThreads().size() > 1 && tries < 100; tries++) {
                Thread.sleep(20);
            }

            assertThat(namespacesOfThreads()).containsExactly(own());
        }
    }

    private static Set<String> namespacesOfThreads() {
        try (Stream<Path> tasks = Files.list(Path.of("/proc/self/task"))) {
            return tasks.map(task -> link(task.resolve("ns/net")))
                    .filter(link -> !link.isEmpty())
                    .collect(Collectors.toSet());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String own() {
        return link(Path.of("/proc/thread-self/ns/net"));
    }

    /** Empty if the thread has ended meanwhile. */
    private static String link(Path path) {
        try {
            return Files.readSymbolicLink(path).toString();
        } catch (IOException _) {
            return "";
        }
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String addresses() {
        try (Rtnetlink rtnetlink = new Rtnetlink()) {
            return rtnetlink.addresses().toString();
        }
    }
}
