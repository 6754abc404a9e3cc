// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.core.AgentProtocol;
import dev.meshcni.core.AgentlessDecision;
import dev.meshcni.core.Answer;
import dev.meshcni.core.Answer.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the plugin leaves for the agent that does not answer. */
class DecisionLogTest {
    private static final String REFUSED = "\"code\":11";

    @TempDir
    private Path root;

    private Path runDirectory;

    @BeforeEach
    void makeRunDirectory() throws IOException {
        runDirectory = Files.createDirectory(
                root.resolve("run"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }

    @Test
    void aRefusalIsAnsweredAndLeftForTheAgent() throws IOException {
        assertThat(call("ADD", "web", "info")).contains(REFUSED);

        assertThat(left()).singleElement().satisfies(decision -> {
            assertThat(decision.command()).isEqualTo("ADD");
            assertThat(decision.pod()).isEqualTo("shop/web");
            assertThat(decision.outcome()).isEqualTo(Outcome.RETRY);
            assertThat(decision.reason()).contains("no such socket");
            assertThat(Instant.parse(decision.time())).isBeforeOrEqualTo(Instant.now());
        });
        assertThat(Files.getPosixFilePermissions(file())).isEqualTo(PosixFilePermissions.fromString("rw-------"));
    }

    @Test
    void theLevelOfTheConfigurationSaysWhatIsLeft() throws IOException {
        call("DEL", "web", "warn");
        call("STATUS", "web", "info");
        assertThat(file()).doesNotExist();

        call("DEL", "web", "info");
        call("STATUS", "web", "debug");

        assertThat(left()).extracting(AgentlessDecision::command).containsExactly("DEL", "STATUS");
    }

    @Test
    void pluginsThatWriteAtOnceTearNoLine() throws Exception {
        List<Callable<String>> calls = new ArrayList<>();
        for (int i = 0; i < 400; i++) {
            String pod = "web-" + i;
            calls.add(() -> call("ADD", pod, "info"));
        }
        try (ExecutorService plugins = Executors.newFixedThreadPool(16)) {
            for (Future<String> answer : plugins.invokeAll(calls)) {
                assertThat(answer.get()).contains(REFUSED);
            }
        }

        assertThat(left())
                .extracting(AgentlessDecision::pod)
                .doesNotHaveDuplicates()
                .hasSize(400);
    }

    @Test
    void theFileDoesNotGrowBeyondItsBound() throws IOException {
        Files.write(file(), new byte[AgentlessDecision.LONGEST_FILE]);

        assertThat(call("ADD", "web", "info")).contains(REFUSED);

        assertThat(file()).hasSize(AgentlessDecision.LONGEST_FILE);
    }

    @Test
    void afterARebootTheFirstPodMakesTheDirectory() throws IOException {
        Files.delete(runDirectory);

        call("DEL", "web", "info");
        assertThat(runDirectory).doesNotExist();
        call("ADD", "web", "info");

        assertThat(left()).hasSize(1);
        assertThat(Files.getPosixFilePermissions(runDirectory)).isEqualTo(PosixFilePermissions.fromString("rwx------"));
    }

    @Test
    void nothingIsWrittenWhereOthersCanWriteOrRead() throws IOException {
        Files.setPosixFilePermissions(runDirectory, PosixFilePermissions.fromString("rwxr-xr-x"));

        assertThat(call("ADD", "web", "info")).contains(REFUSED);

        assertThat(runDirectory).isEmptyDirectory();
    }

    @Test
    void noLinkIsFollowed() throws IOException {
        Path elsewhere = Files.createFile(root.resolve("elsewhere"));
        Files.createSymbolicLink(file(), elsewhere);

        assertThat(call("ADD", "web", "info")).contains(REFUSED);

        assertThat(elsewhere).isEmptyFile();
    }

    @Test
    void whereNothingCanBeWrittenTheAnswerIsTheSame() throws IOException {
        Files.createDirectory(file());
        assertThat(call("ADD", "web", "info")).contains(REFUSED);

        assertThat(answer(
                        "ADD", "web", "info", root.resolve("no/such/directory").toString()))
                .contains(REFUSED);
        assertThat(answer("ADD", "web", "info", "\0")).contains(REFUSED);
    }

    private Path file() {
        return runDirectory.resolve(AgentlessDecision.FILE_NAME);
    }

    private List<AgentlessDecision> left() throws IOException {
        return Files.readAllLines(file()).stream()
                .filter(line -> !line.isEmpty())
                .map(AgentlessDecision::parse)
                .map(Optional::orElseThrow)
                .toList();
    }

    private String call(String command, String pod, String level) {
        return answer(command, pod, level, runDirectory.toString());
    }

    private static String answer(String command, String pod, String level, String runDirectory) {
        Map<String, String> environment = Map.of(
                "CNI_COMMAND", command,
                "CNI_CONTAINERID", "0123456789abcdef",
                "CNI_NETNS", "/var/run/netns/test",
                "CNI_IFNAME", "eth0",
                "CNI_PATH", "/opt/cni/bin",
                "CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=" + pod);
        byte[] config = ("{\"cniVersion\":\"1.1.0\",\"name\":\"net\",\"type\":\"istio-cni\",\"plugin_log_level\":\""
                        + level + "\"}")
                .getBytes(UTF_8);
        AgentProtocol.Request call = new AgentProtocol.Request(environment, config);
        Host host = new JvmHost(environment, config);
        Answer answer = AgentlessPlugin.answer(call, "no such socket");
        new DecisionLog(host, runDirectory).keep(answer, call.stdin());
        return new String(answer.reply().stdout(), UTF_8);
    }
}
