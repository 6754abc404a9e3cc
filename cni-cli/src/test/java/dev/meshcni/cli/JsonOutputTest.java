// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.meshcni.doctor.Check;
import dev.meshcni.doctor.ClusterReport;
import dev.meshcni.doctor.ClusterStatus;
import dev.meshcni.telemetry.AgentStatus;
import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** docs/json-output.md has every field of every report for programs, and no other. */
class JsonOutputTest {
    private static final Pattern ROW = Pattern.compile("(?m)^\\| `([^`]+)` \\| (\\w+) \\|");

    @TempDir
    private Path directory;

    @Test
    void status() throws IOException {
        AgentStatus agent = new AgentStatus(
                "0.1.0",
                Optional.empty(),
                "iptables-nft 1.8.9",
                2,
                Optional.of(new AgentStatus.Installation("ptp", "ptp", "10-a.conflist", true, "/etc", "/opt")),
                List.of());
        ClusterStatus status = new ClusterStatus(
                "https://192.0.2.1:6443",
                Optional.empty(),
                Optional.of(new ClusterStatus.Rollout("istio-system/istio-cni-node", 2, 1, 2)),
                List.of(
                        new ClusterStatus.NodeState(
                                "a",
                                new ClusterStatus.Daemon.Ready(),
                                Optional.of(agent),
                                Optional.of("ErrImagePull"),
                                2,
                                1),
                        new ClusterStatus.NodeState(
                                "b",
                                new ClusterStatus.Daemon.NotReady("no base CNI"),
                                Optional.empty(),
                                Optional.empty(),
                                0,
                                0)),
                List.of("pods: 403"));

        assertDocumented("status", StatusFormat.json(status));
    }

    @Test
    void doctorOfACluster() throws IOException {
        ClusterReport report = new ClusterReport(List.of(new ClusterReport.Subject(
                "Nodes",
                List.of(new Check(Check.Verdict.OK, "ready", ""), new Check(Check.Verdict.ERROR, "lost", "find it")))));

        assertDocumented("doctor --cluster", ClusterReportFormat.json(report));
    }

    @Test
    void doctorOfANode() throws IOException {
        Path confs = Files.createDirectory(directory.resolve("net.d"));
        Files.writeString(confs.resolve("10-a.conflist"), """
                {"cniVersion": "1.0.0", "name": "n", "plugins": [{"type": "ptp"}]}""");
        Files.writeString(confs.resolve("20-b.conflist"), "{");

        Run run = Run.meshcni(
                "doctor",
                "-o",
                "json",
                "--mounted-cni-net-dir=" + confs,
                "--cni-bin-target-dir=" + Files.createDirectory(directory.resolve("bin")));

        assertDocumented("doctor", run.out());
    }

    @NeedsRoot("makes a network namespace")
    @Test
    void verify() throws IOException {
        try (PodNetns pod = PodNetns.create("10.9.0.2/24")) {
            assertDocumented(
                    "verify",
                    verified(pod, Manifests.injected("web")),
                    verified(pod, Manifests.plain("job")),
                    verified(pod, Manifests.plain("job"), "--ambient"));
        }
    }

    private String verified(PodNetns pod, String manifest, String... options) throws IOException {
        Path file = Files.writeString(directory.resolve("pod.yaml"), manifest);
        List<String> arguments = new ArrayList<>(List.of("verify", "-o", "json", "-f", file.toString(), "--netns"));
        arguments.add(pod.path().toString());
        arguments.addAll(List.of(options));
        return Run.meshcni(arguments.toArray(String[]::new)).out();
    }

    @Test
    void explain() throws IOException {
        Path web = Files.writeString(directory.resolve("web.yaml"), Manifests.injected("web"));
        Path job = Files.writeString(directory.resolve("job.yaml"), Manifests.plain("job"));

        Run outbound = Run.meshcni("explain", "-o", "json", "-f", web.toString(), "--connect", "tcp:10.0.0.1:443");

        JsonNode trace = new ObjectMapper().readTree(outbound.out());
        assertThat(trace.path("result").asText()).isEqualTo("redirected");
        assertThat(trace.path("port").asInt()).isEqualTo(15001);
        assertThat(trace.at("/decidedBy/table").asText()).isEqualTo("nat");
        assertThat(trace.path("familyRedirected").asBoolean()).isTrue();
        assertDocumented(
                "explain",
                outbound.out(),
                Run.meshcni("explain", "-o", "json", "-f", web.toString(), "--accept", "tcp:8080")
                        .out(),
                Run.meshcni("explain", "-o", "json", "--ambient", "-f", job.toString(), "--accept", "tcp:8080")
                        .out(),
                Run.meshcni("explain", "-o", "json", "-f", job.toString(), "--accept", "tcp:8080")
                        .out());
    }

    @Test
    void version() throws IOException {
        assertDocumented("version", Run.meshcni("version", "-o", "json").out());
    }

    /** Every command with the option has a section here, or is named with the page that has it. */
    @Test
    void everyCommandThatHasJsonIsOnThePage() throws IOException {
        String page = page();

        Meshcni.commandLine(Map.of()).getSubcommands().forEach((name, command) -> {
            if (command.getCommandSpec().optionsMap().containsKey("--output")) {
                assertThat(page).containsPattern("(?m)^## " + name + "\\b|`meshcni " + name + " -o json`");
            }
        });
    }

    private static void assertDocumented(String section, String... outputs) throws IOException {
        Set<String> fields = new TreeSet<>();
        for (String output : outputs) {
            JsonNode json = new ObjectMapper().readTree(output);
            assertThat(json.path("version").asInt()).as(output).isEqualTo(1);
            fields(json, "", fields);
        }
        // An array without elements in one report has objects in another one.
        Set<String> arrays = new TreeSet<>(fields);
        arrays.removeIf(name -> fields.stream().noneMatch(field -> field.startsWith(name + "[].")));
        fields.removeAll(arrays);
        assertThat(ROW.matcher(section(section)).results().map(row -> row.group(1)))
                .containsExactlyInAnyOrderElementsOf(fields);
    }

    private static void fields(JsonNode object, String path, Set<String> fields) {
        object.properties().forEach(field -> {
            String name = path + field.getKey();
            JsonNode value = field.getValue();
            if (value.isObject()) {
                fields(value, name + ".", fields);
            } else if (value.isArray() && value.path(0).isObject()) {
                value.forEach(item -> fields(item, name + "[].", fields));
            } else {
                fields.add(name);
            }
        });
    }

    private static String section(String title) throws IOException {
        String page = page();
        String from = page.substring(page.indexOf("\n## " + title + "\n") + 1);
        int end = from.indexOf("\n## ");
        return end < 0 ? from : from.substring(0, end);
    }

    private static String page() throws IOException {
        return Files.readString(Path.of("..", "docs", "json-output.md"));
    }
}
