// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The clock of a node is set while the daemon runs, and nothing waits for it. Only this daemon's time of day is another
 * one.
 */
@Tag("hostile")
@Timeout(240)
@NeedsRoot("makes network namespaces")
class ClockStepsTest {
    private static final Path LIBRARY = Path.of("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1");
    private static final String NETWORK = """
            {"cniVersion": "1.0.0", "name": "it", "plugins": [{"type": "ptp", "ipam": {"type": "host-local"}}]}
            """;

    @TempDir
    private Path directory;

    private Path confDir;
    private Netns node;
    private Agent agent;

    @BeforeEach
    void start() throws IOException {
        Machine.needs("ip", "nsenter", "iptables", "ip6tables", "faketime");
        assumeTrue(Files.exists(LIBRARY), "needs " + LIBRARY);
        Dist.needed();
        confDir = Files.createDirectory(directory.resolve("net.d"));
        Files.writeString(conf(), NETWORK);
        Path binDir = Files.createDirectory(directory.resolve("bin"));
        node = Netns.create("node");
        set("+0d");
        agent = Agent.installing(
                line -> {
                    List<String> faked = new ArrayList<>(List.of(
                            "env",
                            "LD_PRELOAD=" + LIBRARY,
                            "DONT_FAKE_MONOTONIC=1",
                            "FAKETIME_NO_CACHE=1",
                            "FAKETIME_TIMESTAMP_FILE=" + clock()));
                    faked.addAll(List.of(line));
                    return node.commandLine(faked.toArray(String[]::new));
                },
                confDir,
                binDir,
                "--pod-wait-seconds=1");
    }

    @AfterEach
    void stop() {
        try (Netns _ = node) {
            if (agent != null) {
                agent.close();
            }
        }
    }

    @Test
    void whatTheDaemonWaitsForComesWhateverTheClockIsSetTo() throws IOException {
        agent.know(PodManifest.injected("shop", "web", ""));
        awaitInstalled();
        for (String step : List.of("-37d", "+37d", "-37d", "+0d")) {
            set(step);
            assertThat(addAndDel()).as("after the clock was set " + step).isLessThan(Duration.ofSeconds(30));
            Files.writeString(conf(), NETWORK);
            awaitInstalled();
            awaitLogged(step);
        }
        assertThat(agent.logged()).doesNotContain("ERROR");
    }

    /** That the daemon's clock is the one that was set: it writes the time of day of what it does. */
    private void awaitLogged(String step) {
        Instant then = Instant.now().plus(Duration.ofDays(Long.parseLong(step.replace("d", ""))));
        Eventually.isTrue(
                "it logs the day " + then,
                () -> agent.logged().contains(then.toString().substring(0, 10)));
    }

    private Duration addAndDel() {
        try (Netns pod = Netns.create("pod")) {
            PluginCall add =
                    PluginCall.of("ADD", pod, "shop", "web", agent.pluginConf()).alone();
            long start = System.nanoTime();
            PluginProcess.succeed(add, node);
            assertThat(pod.run("iptables-save", "-t", "nat")).contains("ISTIO_REDIRECT");
            PluginProcess.succeed(add.with("CNI_COMMAND", "DEL"), node);
            return Duration.ofNanos(System.nanoTime() - start);
        }
    }

    private void awaitInstalled() {
        Eventually.isTrue("the plugin is chained; the log: " + agent.logged(), () -> {
            try {
                return Files.readString(conf()).contains("istio-cni");
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private void set(String offset) throws IOException {
        Path next = Files.writeString(directory.resolve("clock.next"), offset + "\n");
        Files.move(next, clock(), StandardCopyOption.ATOMIC_MOVE);
    }

    private Path clock() {
        return directory.resolve("clock");
    }

    private Path conf() {
        return confDir.resolve("10-it.conflist");
    }
}
