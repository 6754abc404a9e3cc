// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a container with NET_ADMIN does in its own network namespace is a finding about its pod, and costs nobody else
 * anything.
 */
@Tag("hostile")
@Timeout(240)
@NeedsRoot("makes network namespaces")
class HostileTablesTest {
    private static final Duration SMALL = Duration.ofSeconds(1);

    @TempDir
    private Path directory;

    private Netns node;
    private Netns pod;
    private Netns other;
    private Agent agent;

    @BeforeEach
    void start() {
        Machine.needs("ip", "nsenter", "iptables", "ip6tables", "iptables-legacy", "flock");
        Dist.needed();
        node = Netns.create("node");
        pod = Netns.create("pod");
        other = Netns.create("other");
    }

    @AfterEach
    void stop() {
        try (Netns _ = node;
                Netns _ = pod;
                Netns _ = other) {
            if (agent != null) {
                agent.close();
            }
        }
    }

    @Test
    void tablesThatAreHugeCostTheirPodAndNobodyElse() throws IOException {
        startAgent("nft");
        run("ADD", pod, "c1");
        fill();

        assertThat(call("CHECK", pod, "c1").out()).contains("cannot be read", "exceed the size limit");
        assertThat(call("ADD", pod, "c2").out()).contains("exceed the size limit");
        long start = System.nanoTime();
        run("ADD", other, "c3");
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(SMALL);
        run("DEL", pod, "c1");

        run("DEL", other, "c3");
        assertThat(agent.logged()).doesNotContain("OutOfMemory");
    }

    @ParameterizedTest
    @ValueSource(strings = {"a\nb", "\nCOMMIT\n*nat\n", "\n[0:0] -A ISTIO_OUTPUT -j RETURN\n"})
    void aRuleDoesNotHideBehindItsComment(String comment) {
        startAgent("nft");
        run("ADD", pod, "c1");
        run("CHECK", pod, "c1");
        pod.run(
                "iptables",
                "-t",
                "nat",
                "-I",
                "ISTIO_OUTPUT",
                "1",
                "-m",
                "comment",
                "--comment",
                comment,
                "-j",
                "ACCEPT");

        assertThat(call("CHECK", pod, "c1").out()).contains("differs from what ADD set up", "ISTIO_OUTPUT");
    }

    @Test
    void aLockOnTheNamespaceKeepsNobodyFromWritingRules() throws IOException {
        startAgent("legacy");
        Process lock = new ProcessBuilder(pod.commandLine(
                        "setpriv", "--reuid=1000", "--clear-groups", "flock", "/proc/self/ns/net", "sleep", "60"))
                .start();
        try {
            Eventually.isTrue("it is locked", () -> isLocked(pod));

            run("ADD", pod, "c1");
            run("DEL", pod, "c1");
        } finally {
            lock.descendants().forEach(ProcessHandle::destroyForcibly);
            lock.destroyForcibly();
        }
    }

    private void startAgent(String iptables) {
        agent = Agent.start(node, "--pod-wait-seconds=1", "--force-iptables-binary=" + iptables);
        agent.know(PodManifest.injected("shop", "web", ""));
    }

    /** More than 55 MB, as iptables-save prints them. */
    private void fill() throws IOException {
        StringBuilder rules = new StringBuilder("*nat\n:JUNK - [0:0]\n");
        String comment = "x".repeat(250);
        for (int i = 0; i < 180_000; i++) {
            rules.append("-A JUNK -s 10.")
                    .append(i >> 16)
                    .append('.')
                    .append(i >> 8 & 255)
                    .append('.')
                    .append(i & 255)
                    .append("/32 -m comment --comment \"")
                    .append(comment)
                    .append("\" -j RETURN\n");
        }
        Path file = Files.writeString(directory.resolve("rules"), rules.append("COMMIT\n"), StandardCharsets.US_ASCII);
        pod.run("iptables-restore", "--noflush", file.toString());
    }

    private static boolean isLocked(Netns netns) {
        return netns.command("flock", "--nonblock", "/proc/self/ns/net", "true")
                        .result()
                        .exitCode()
                != 0;
    }

    private void run(String command, Netns netns, String container) {
        PluginProcess.succeed(of(command, netns, container), node);
    }

    private Command.Result call(String command, Netns netns, String container) {
        return PluginProcess.run(of(command, netns, container), node);
    }

    private PluginCall of(String command, Netns netns, String container) {
        return PluginCall.of(command, netns, "shop", "web", agent.pluginConf())
                .alone()
                .with("CNI_CONTAINERID", container);
    }
}
