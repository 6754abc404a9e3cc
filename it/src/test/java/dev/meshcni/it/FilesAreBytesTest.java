// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.NeedsRoot;
import dev.meshcni.testkit.Slow;
import java.io.IOException;
import java.io.OutputStream;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The three programs, from a copy of the distribution that has lost the times of its files, without a writable
 * {@code /tmp}, under locales that know ASCII only, with names and contents that are more than that.
 */
@Timeout(300)
@Slow
@NeedsRoot("makes mount namespaces, and installs as the daemon does")
class FilesAreBytesTest {
    private static final String CONF = """
            {"cniVersion": "1.0.0", "name": "pods", "_comment": "naïve \u65e5\u672c", "plugins": [{"type": "ptp"}]}
            """;

    private static final String POD = """
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "shop", "name": "web"},
             "spec": {"containers": [{"name": "app"}]}}
            """;

    private static final String STAGE = "mount --make-rprivate / && mount -t tmpfs -o ro none /tmp && exec \"$@\"";

    /** Not in {@code /tmp}, which is hidden. */
    private Path directory;

    @BeforeEach
    void prepare() throws IOException {
        Machine.needs("unshare", "mount", "cp");
        Dist.needed();
        directory = Files.createTempDirectory(Path.of("/var/tmp"), "it-bytes-");
        // Without -a: the times of the files are those of now.
        Command.of(
                        "cp",
                        "-r",
                        Dist.root().toString(),
                        directory.resolve("größe").toString())
                .run();
        Files.createDirectory(directory.resolve("net-\u65e5\u672c"));
        Files.createDirectory(directory.resolve("bin"));
        Files.writeString(Files.createDirectory(directory.resolve("pods")).resolve("wëb.json"), POD);
    }

    @AfterEach
    void remove() {
        if (directory != null) {
            HostState.removeTree(directory);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"C", "POSIX", "de_DE.ISO-8859-1", "C.UTF-8"})
    void namesBeyondAsciiMeanTheSameUnderEveryLocale(String locale) throws Exception {
        Path conf = Files.writeString(directory.resolve("net-\u65e5\u672c/10-größe.conflist"), CONF);
        Path log = directory.resolve("log");
        Process daemon = start(
                locale,
                log,
                "install-cni",
                "--pod-manifest-dir=" + directory.resolve("pods"),
                "--install-check-seconds=1");
        try {
            Path socket = directory.resolve("läuft/agent.sock");
            Eventually.isTrue(
                    "the agent answers and has installed",
                    () -> !daemon.isAlive() || (answers(socket) && read(conf).contains("\"istio-cni\"")));
            assertThat(read(conf)).as(read(log)).contains("naïve \u65e5\u672c", directory + "/läuft", "\"istio-cni\"");

            assertThat(plugin(locale)).as(read(log)).isZero();
            assertThat(run(locale, "meshcni", "doctor"))
                    .contains("10-größe.conflist: network pods", directory + "/läuft");
        } finally {
            daemon.descendants().forEach(ProcessHandle::destroy);
            daemon.destroy();
            assertThat(daemon.waitFor(20, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(run(locale, "meshcni", "uninstall", "--force")).contains(directory + "/net-\u65e5\u672c");
        assertThat(conf).hasContent(CONF);

        assertThat(read(log).lines())
                .isNotEmpty()
                .allMatch(line -> line.matches("\\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z (INFO|WARN|ERROR) .*"));
        assertThat(read(log)).doesNotContain("Exception", "\tat ").contains("10-größe.conflist", directory + "/läuft");
    }

    private Process start(String locale, Path log, String program, String... options) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(line(program, options));
        builder.environment().put("LC_ALL", locale);
        return builder.redirectErrorStream(true).redirectOutput(log.toFile()).start();
    }

    private String run(String locale, String program, String command, String... options) throws Exception {
        Path output = directory.resolve("output");
        List<String> all = new ArrayList<>(List.of(command));
        all.addAll(List.of(options));
        Process process = start(locale, output, program, all.toArray(String[]::new));
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return read(output);
    }

    private List<String> line(String program, String... options) {
        List<String> line = new ArrayList<>(
                List.of("unshare", "--mount", "--net", "sh", "-c", STAGE, "sh", directory + "/größe/bin/" + program));
        line.addAll(List.of(options));
        line.addAll(List.of(
                "--mounted-cni-net-dir=" + directory + "/net-\u65e5\u672c",
                "--cni-bin-target-dir=" + directory + "/bin",
                "--cni-agent-run-dir=" + directory + "/läuft"));
        return line;
    }

    /** An ADD of a pod outside of the mesh: without the agent it fails. */
    private int plugin(String locale) throws Exception {
        ProcessBuilder builder = new ProcessBuilder(directory + "/bin/istio-cni");
        builder.environment().clear();
        builder.environment().put("LC_ALL", locale);
        builder.environment().put("CNI_COMMAND", "ADD");
        builder.environment().put("CNI_CONTAINERID", "c");
        builder.environment().put("CNI_NETNS", "/var/run/netns/none");
        builder.environment().put("CNI_IFNAME", "eth0");
        builder.environment().put("CNI_PATH", directory + "/bin");
        builder.environment().put("CNI_ARGS", "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web");
        Process process = builder.redirectErrorStream(true)
                .redirectOutput(directory.resolve("answer").toFile())
                .start();
        try (OutputStream in = process.getOutputStream()) {
            in.write("""
                    {"cniVersion": "1.0.0", "name": "pods", "type": "istio-cni", "cni_agent_run_dir": "%s/läuft",
                     "prevResult": {"cniVersion": "1.0.0", "ips": [{"address": "192.0.2.2/24"}]}}
                    """.formatted(directory).getBytes(UTF_8));
        }
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return process.exitValue();
    }

    private static boolean answers(Path socket) {
        try (SocketChannel connection = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            return connection.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
