// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.meshcni.testkit.FakeApiServer;
import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whatever ends the daemon, the token that it has read is in nothing that is written then: no core dump, no report, no
 * log.
 */
@Tag("hostile")
@Timeout(120)
@NeedsRoot("makes network namespaces")
class CrashTest {
    @TempDir
    private Path directory;

    private Netns node;

    @BeforeEach
    void start() throws IOException {
        Machine.needs("ip", "nsenter");
        Dist.needed();
        assumeTrue(
                Files.readString(Path.of("/proc/sys/kernel/core_pattern")).matches("[\\w.%-]+\\s*"),
                "needs a kernel that writes core dumps into the working directory");
        node = Netns.create("node");
    }

    @AfterEach
    void stop() {
        if (node != null) {
            node.close();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"SEGV", "ABRT", "QUIT", "BUS"})
    void noByteThatIsWrittenAtACrashHoldsTheToken(String signal) throws Exception {
        ServerSocket entrance = node.inside(() -> new ServerSocket(0, 50, InetAddress.getLoopbackAddress()));
        Path written = Files.createDirectory(directory.resolve("written"));
        Path kubeconfig = directory.resolve("kubeconfig");
        DaemonProcess daemon = new DaemonProcess(written.resolve("log"), written.resolve("run"), Process::toHandle);
        try (FakeApiServer api = new FakeApiServer(entrance)) {
            assertThat(api.kubeconfig(directory)).isEqualTo(kubeconfig);
            daemon.start(node.commandLine(
                    "prlimit",
                    "--core=unlimited",
                    Dist.program("install-cni").toString(),
                    "--no-install",
                    "--kubeconfig=" + kubeconfig,
                    "--node-name=" + FakeApiServer.NODE,
                    "--cni-agent-run-dir=" + written.resolve("run")));
            Eventually.isTrue("it has used its token", () -> !api.calls().isEmpty());

            daemon.signal(signal);
            if (!signal.equals("QUIT")) {
                daemon.awaitEnd();
            }
        } finally {
            daemon.close();
        }

        assertThat(files(directory)).as("what holds it before").anyMatch(file -> holds(file, FakeApiServer.TOKEN));
        assertThat(files(written)).isNotEmpty().noneMatch(file -> holds(file, FakeApiServer.TOKEN));
    }

    /** That the test can fail: the same kernel writes the memory of another process. */
    @Test
    void aProcessThatDoesNotKeepItsMemoryToItselfIsDumped() throws Exception {
        Process sleep = new ProcessBuilder("prlimit", "--core=unlimited", "sleep", "60")
                .directory(directory.toFile())
                .start();
        try {
            Eventually.isTrue(
                    "it sleeps",
                    () -> sleep.info()
                            .command()
                            .filter(name -> name.endsWith("sleep"))
                            .isPresent());
            Command.of("kill", "-SEGV", String.valueOf(sleep.pid())).run();
            sleep.waitFor();
        } finally {
            sleep.destroyForcibly();
        }
        assertThat(files(directory))
                .anyMatch(file -> file.getFileName().toString().startsWith("core"));
    }

    private static List<Path> files(Path directory) {
        try (Stream<Path> all = Files.walk(directory)) {
            return all.filter(Files::isRegularFile).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean holds(Path file, String text) {
        try {
            return Files.readString(file, StandardCharsets.ISO_8859_1).contains(text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
