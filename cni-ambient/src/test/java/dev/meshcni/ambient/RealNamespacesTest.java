// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import static dev.meshcni.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.NetnsException;
import dev.meshcni.libc.FileKey;
import dev.meshcni.libc.SharedDescriptor;
import dev.meshcni.testkit.NeedsRoot;
import dev.meshcni.ztunnel.ZdsLimits;
import dev.meshcni.ztunnel.ZtunnelServer;
import dev.meshcni.ztunnel.testkit.FakeZtunnel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@NeedsRoot("makes network namespaces")
class RealNamespacesTest {
    private static final int ROUNDS = 100;
    private static final Path OWN = Path.of("/proc/self/ns/net");

    private final FakeNode node = new FakeNode();
    private final PodNamespaces namespaces = PodNamespaces.except(List.of(OWN, Path.of("/proc/1/ns/net")));

    @TempDir
    private Path directory;

    /** While anything has a namespace open, it lives: with its interfaces, its addresses and its memory. */
    @Test
    void namespacesEndWithTheirPods() throws Exception {
        long before = openNamespaces();
        try (ZtunnelServer server = ZtunnelServer.bind(directory.resolve("ztunnel.sock"), ZdsLimits.DEFAULT);
                AmbientEngine engine = new AmbientEngine(server, node, node.probes, node, namespaces);
                FakeZtunnel ztunnel = FakeZtunnel.proper(server.path())) {
            node.ztunnels.add(ztunnel);
            server.start();
            for (int i = 0; i < ROUNDS; i++) {
                live(engine, ztunnel, i);
            }

            eventually("nothing has a namespace open", () -> openNamespaces() == before);
            assertThat(ztunnel.brokenRules()).isEmpty();
        }
    }

    @Test
    void whatIsNoPodsNamespaceIsRefused() throws IOException {
        assertThatThrownBy(() -> namespaces.open(OWN))
                .isInstanceOf(NetnsException.class)
                .hasMessageEndingWith(" and not of a pod; nothing was changed");
        assertThatThrownBy(() -> namespaces.open(Files.createFile(directory.resolve("file"))))
                .isInstanceOf(NetnsException.class)
                .hasMessageEndingWith("is not a network namespace");
    }

    private void live(AmbientEngine engine, FakeZtunnel ztunnel, int round) throws Exception {
        String name = "ambient-" + ProcessHandle.current().pid() + "-" + round;
        Path path = Path.of("/run/netns", name);
        AmbientPod pod = new AmbientPod(
                "uid-" + round, "shop", "web", "default", Map.of(), List.of(InetAddress.getByAddress(new byte[] {
                    10, 0, 0, (byte) round
                })));
        run("ip", "netns", "add", name);
        try {
            engine.add(pod, path, soon());
            assertThat(ztunnel.proxies()).containsEntry(pod.uid(), key(path));
            if (round % 10 == 0) {
                ztunnel.hangUp();
            }
            assertThat(engine.delete(pod.uid(), path, soon())).isTrue();
        } finally {
            run("ip", "netns", "delete", name);
        }
    }

    private static FileKey key(Path path) {
        try (SharedDescriptor opened = SharedDescriptor.ofNamespace(path)) {
            return opened.key();
        }
    }

    private static long openNamespaces() {
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return descriptors
                    .filter(descriptor -> {
                        try {
                            return Files.readSymbolicLink(descriptor).toString().startsWith("net:[");
                        } catch (IOException e) {
                            // It was that of the listing.
                            return false;
                        }
                    })
                    .count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void run(String... command) throws Exception {
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .inheritIO()
                .start();
        assertThat(process.waitFor()).as(String.join(" ", command)).isZero();
    }

    private static Deadline soon() {
        return Deadline.after(Duration.ofSeconds(10));
    }
}
