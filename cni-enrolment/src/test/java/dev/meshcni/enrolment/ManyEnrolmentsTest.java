// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.enrolment;

import static dev.meshcni.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.ambient.AmbientEngine;
import dev.meshcni.ambient.AmbientPod;
import dev.meshcni.ambient.MeshStatus;
import dev.meshcni.ambient.PodNamespaces;
import dev.meshcni.ambient.StatusOutput;
import dev.meshcni.ambient.host.HostProbes;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.netns.linux.IptablesBackend;
import dev.meshcni.netns.linux.NftBackend;
import dev.meshcni.redirect.AmbientOptions;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.testkit.NeedsRoot;
import dev.meshcni.testkit.Slow;
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
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** A pod joins and leaves a thousand times, with real rules and exemptions; nothing of that is left open. */
@Slow
@NeedsRoot("makes network namespaces")
@Timeout(600)
@ParameterizedClass
@ValueSource(classes = {IptablesBackend.class, NftBackend.class})
class ManyEnrolmentsTest {
    private static final int ROUNDS = 1000;
    private static final int WARM_UP = 20;
    private static final String ADDRESS = "10.77.0.5";

    @TempDir
    private Path directory;

    @Parameter
    private Class<? extends RedirectBackend> type;

    private static final class Statuses implements StatusOutput {
        private final Map<String, MeshStatus> shown = new ConcurrentHashMap<>();

        @Override
        public MeshStatus shown(AmbientPod pod) {
            return shown.getOrDefault(pod.uid(), MeshStatus.NONE);
        }

        @Override
        public void show(AmbientPod pod, MeshStatus status) {
            shown.put(pod.uid(), status);
        }
    }

    @Test
    void neitherDescriptorsNorNamespacesNorThreadsGrow() throws Exception {
        RedirectBackend backend = type.getConstructor().newInstance();
        String _ = backend.detect();
        try (TestPodNetns host = TestPodNetns.host();
                TestPodNetns netns = TestPodNetns.withListeners(ADDRESS);
                HostProbes probes = HostProbes.detect(
                        host.path(), Map.of(IpFamily.IPV4, AmbientOptions.Node.STANDARD.probe(IpFamily.IPV4)));
                ZtunnelServer server = ZtunnelServer.bind(directory.resolve("ztunnel.sock"), ZdsLimits.DEFAULT);
                AmbientEngine engine = new AmbientEngine(
                        server,
                        new NamespaceRules(backend, AmbientOptions.Node.STANDARD),
                        probes,
                        new Statuses(),
                        PodNamespaces.except(List.of(Path.of("/proc/self/ns/net"))))) {
            server.start();
            FakeZtunnel ztunnel = FakeZtunnel.proper(server.path());
            try {
                joinAndLeave(engine, netns, ztunnel, 0, WARM_UP);
                long descriptors = descriptors("");
                long namespaces = descriptors("net:[");
                long threads = threads();

                joinAndLeave(engine, netns, ztunnel, WARM_UP, ROUNDS / 2);
                ztunnel.close();
                eventually("it has gone", () -> server.connections().isEmpty());
                ztunnel = FakeZtunnel.proper(server.path());
                joinAndLeave(engine, netns, ztunnel, ROUNDS / 2, ROUNDS);

                eventually("no namespace is left open", () -> descriptors("net:[") == namespaces);
                eventually("no descriptor is left", () -> descriptors("") <= descriptors);
                eventually("no thread is left", () -> threads() <= threads);
                assertThat(engine.pods()).isEmpty();
                assertThat(probes.entries()).isEmpty();
                assertThat(netns.rules()).doesNotContain("15001");
                assertThat(ztunnel.brokenRules()).isEmpty();
            } finally {
                ztunnel.close();
            }
        }
    }

    private static void joinAndLeave(AmbientEngine engine, TestPodNetns netns, FakeZtunnel ztunnel, int from, int to) {
        for (int i = from; i < to; i++) {
            AmbientPod pod = new AmbientPod(
                    "uid-" + i, "shop", "web", "default", Map.of(), List.of(InetAddress.ofLiteral(ADDRESS)));
            engine.adopt(pod, netns.path(), soon());
            List<String> _ = engine.settle(pod, soon());
            assertThat(ztunnel.proxies()).containsEntry(pod.uid(), netns.key());
            if (i % 50 == 0) {
                ztunnel.hangUp();
            }
            engine.leave(pod, soon());
        }
    }

    private static long descriptors(String prefix) {
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            return all.filter(descriptor -> target(descriptor).startsWith(prefix))
                    .count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String target(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString();
        } catch (IOException e) {
            // It was that of the listing.
            return "";
        }
    }

    private static long threads() {
        return Thread.getAllStackTraces().size();
    }

    private static Deadline soon() {
        return Deadline.after(Duration.ofSeconds(30));
    }
}
