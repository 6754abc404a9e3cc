// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ztunnel;

import static dev.meshcni.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.libc.SharedDescriptor;
import dev.meshcni.testkit.NeedsRoot;
import dev.meshcni.ztunnel.ZtunnelException.Reason;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The server with ztunnel itself, whose binary the environment variable {@code ZTUNNEL} names. It has to be built with
 * its feature {@code testing}, and so needs no istiod.
 */
@NeedsRoot("makes network namespaces, which ztunnel enters")
class RealZtunnelTest {
    private static final String BINARY = System.getenv().getOrDefault("ZTUNNEL", "");
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    @TempDir
    private Path directory;

    private final List<String> namespaces = new ArrayList<>();
    private String node;
    private Process ztunnel;
    private ZtunnelServer server;

    @BeforeEach
    void start() throws Exception {
        assumeTrue(!BINARY.isEmpty(), "needs ztunnel: set ZTUNNEL to its binary, built with the feature testing");
        node = namespace("node");
        server = ZtunnelServer.bind(socket(), ZdsLimits.DEFAULT);
        Path xds = Files.writeString(
                directory.resolve("xds.yaml"), workload("a") + workload("b") + "policies: []\nservices: []\n");
        ProcessBuilder builder = new ProcessBuilder("ip", "netns", "exec", node, BINARY, "proxy", "ztunnel")
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("ztunnel.log").toFile());
        builder.environment()
                .putAll(Map.of(
                        "PROXY_MODE", "shared",
                        "INPOD_UDS", socket().toString(),
                        "FAKE_CA", "true",
                        "XDS_ADDRESS", "",
                        "LOCAL_XDS_PATH", xds.toString(),
                        "NODE_NAME", "node1",
                        "CLUSTER_ID", "cluster1",
                        "RUST_LOG", "info"));
        ztunnel = builder.start();
    }

    @AfterEach
    void stop() throws Exception {
        if (ztunnel != null) {
            ztunnel.destroyForcibly().waitFor();
        }
        if (server != null) {
            server.close();
        }
        for (String name : namespaces) {
            run("ip", "netns", "delete", name);
        }
    }

    @Test
    void itServesWhatItIsGivenAndLetsGoOfWhatIsTakenFromIt() throws Exception {
        String first = namespace("a");
        String second = namespace("b");
        try (SharedDescriptor a = open(first);
                SharedDescriptor b = open(second)) {
            server.want("uid-a", info("a"), a);
            server.start();
            eventually(
                    "the snapshot is acknowledged",
                    () -> server.connections().stream().anyMatch(ConnectionReport::ready));
            assertThat(server.isServed("uid-a", a.key())).isTrue();
            assertThat(listens(first)).isTrue();

            server.serve("uid-b", info("b"), b, Deadline.after(PATIENCE));
            assertThat(listens(second)).isTrue();

            server.forget("uid-b");
            assertThat(server.awaitForgotten("uid-b", Deadline.after(PATIENCE))).isTrue();
            eventually("its ports are closed", () -> !listens(second));
            assertThat(listens(first)).isTrue();
            assertThat(server.connections()).hasSize(1);
        }
    }

    @Test
    void itKeepsWhatTheNextAgentExpectsAndServesItInTheSameNamespace() throws Exception {
        String name = namespace("a");
        try (SharedDescriptor a = open(name)) {
            server.start();
            server.serve("uid-a", info("a"), a, Deadline.after(PATIENCE));
            server.close();
            server = ZtunnelServer.bind(socket(), ZdsLimits.DEFAULT);
            server.expect("uid-a", info("a"));
            server.start();
            eventually(
                    "the snapshot is acknowledged",
                    () -> server.connections().stream().anyMatch(ConnectionReport::ready));

            assertThat(listens(name)).isTrue();
            assertThat(server.isServed("uid-a", a.key())).isFalse();
            server.serve("uid-a", info("a"), a, Deadline.after(PATIENCE));
            assertThat(listens(name)).isTrue();
        }
    }

    @Test
    void itRefusesANamespaceWithoutLoopbackAndServesItOnceItHasThat() throws Exception {
        String name = namespace("a");
        run("ip", "netns", "exec", name, "ip", "link", "set", "lo", "down");
        try (SharedDescriptor a = open(name)) {
            server.start();

            ZtunnelException refused = catchThrowableOfType(
                    ZtunnelException.class, () -> server.serve("uid-a", info("a"), a, Deadline.after(PATIENCE)));

            assertThat(refused.reason()).isEqualTo(Reason.REFUSED);
            assertThat(refused).hasMessageContaining("Bind(");
            run("ip", "netns", "exec", name, "ip", "link", "set", "lo", "up");
            server.serve("uid-a", info("a"), a, Deadline.after(PATIENCE));
            assertThat(listens(name)).isTrue();
            assertThat(server.connections()).hasSize(1);
        }
    }

    private Path socket() {
        return directory.resolve("ztunnel.sock");
    }

    private String namespace(String hint) throws Exception {
        String name = "zds-" + hint + "-" + ProcessHandle.current().pid();
        run("ip", "netns", "add", name);
        namespaces.add(name);
        run("ip", "netns", "exec", name, "ip", "link", "set", "lo", "up");
        return name;
    }

    private static SharedDescriptor open(String name) {
        return SharedDescriptor.ofNamespace(Path.of("/run/netns", name));
    }

    private static boolean listens(String name) throws Exception {
        // 15008 as the kernel lists it, in state 0A: LISTEN.
        return run("ip", "netns", "exec", name, "cat", "/proc/net/tcp", "/proc/net/tcp6")
                .lines()
                .anyMatch(line -> line.matches(".*:3AA0 [0-9A-F]+:0000 0A .*"));
    }

    private static WorkloadInfo info(String name) {
        return new WorkloadInfo(name, "shop", name);
    }

    private static String workload(String name) {
        return (name.equals("a") ? "workloads:\n" : "")
                + "- {uid: cluster1//v1/Pod/shop/%1$s, name: %1$s, namespace: shop, serviceAccount: %1$s,\n"
                        .formatted(name)
                + "   workloadIps: [\"10.77.0.%d\"], protocol: HBONE, node: node1, network: \"\", services: {}}\n"
                        .formatted(name.charAt(0) - 'a' + 2);
    }

    private static String run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(String.join(" ", command) + ": " + output);
        }
        return output;
    }
}
