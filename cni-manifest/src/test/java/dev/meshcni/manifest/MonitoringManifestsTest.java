// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.meshcni.config.Yaml;
import dev.meshcni.config.YamlFile;
import dev.meshcni.core.AgentProtocol;
import dev.meshcni.core.Answer;
import dev.meshcni.daemon.MetricsServer;
import dev.meshcni.http.HttpRefusal;
import dev.meshcni.telemetry.AgentMetrics;
import io.fabric8.kubernetes.api.model.HasMetadata;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The resources that watch the daemons, and what they say; {@link AlertsTest} and {@link DashboardTest} evaluate them.
 */
class MonitoringManifestsTest {
    @Test
    void nothingIsThereUnlessItIsAskedFor() {
        assertThat(kinds("{}")).doesNotContain("PodMonitor", "PrometheusRule", "ConfigMap");
    }

    @Test
    void eachIsThereWhereItIsAskedFor() {
        assertThat(kinds("""
                {podMonitor: {enabled: true}, prometheusRule: {enabled: true}, dashboard: {enabled: true}}
                """)).contains("PodMonitor", "PrometheusRule", "ConfigMap");
    }

    @Test
    void everyMetricThatIsServedIsOnThePage() throws Exception {
        String page = Files.readString(Path.of("..", "docs", "metrics.md"));

        assertThat(scrape(used()).lines().filter(line -> line.startsWith("# TYPE ")))
                .hasSizeGreaterThan(20)
                .allSatisfy(line -> assertThat(page).contains("`" + line.split(" ", -1)[2] + "`"));
    }

    @Test
    void everyAlertSaysHowBadItIsAndWhatToDo() {
        JsonNode rules = alerts().at("/groups/0/rules");

        assertThat(rules).isNotEmpty().allSatisfy(rule -> {
            assertThat(rule.at("/labels/severity").asText()).isIn("warning", "critical");
            assertThat(rule.at("/annotations/summary").asText()).isNotBlank();
            assertThat(rule.at("/annotations/description").asText()).isNotBlank();
        });
        assertThat(rules.findValuesAsText("alert")).doesNotHaveDuplicates();
    }

    @Test
    void everyAlertHasASectionOfTheRunbookToWhichItLinks() throws Exception {
        String page = Files.readString(Path.of("..", "docs", "alerts.md"));
        Map<String, String> sections = Stream.of(page.split("(?m)^### ", -1))
                .skip(1)
                .collect(Collectors.toMap(
                        section -> section.substring(0, section.indexOf('\n')),
                        section -> section.substring(section.indexOf('\n')).strip()));
        JsonNode rules = alerts().at("/groups/0/rules");

        assertThat(sections).containsOnlyKeys(rules.findValuesAsText("alert"));
        assertThat(rules).allSatisfy(rule -> {
            String name = rule.path("alert").asText();
            String severity = rule.at("/labels/severity").asText();
            String time = rule.path("for").asText();
            assertThat(rule.at("/annotations/runbook_url").asText())
                    .isEqualTo("RUNBOOK#" + name.toLowerCase(Locale.ROOT));
            assertThat(sections.get(name))
                    .startsWithIgnoringCase(
                            severity + (time.isEmpty() ? ", at once." : ", after " + time.replace("m", " minutes.")))
                    .contains("\n* Look: ", "\n* Do: ");
        });
    }

    @Test
    void theRunbookIsWhereASettingSays() {
        assertThat(yaml("{prometheusRule: {enabled: true}}"))
                .contains("MeshCniNotReady")
                .doesNotContain("unbook");
        assertThat(yaml("{prometheusRule: {enabled: true, runbookUrl: \"https://wiki.example/mesh\"}}"))
                .contains("runbook_url: \"https://wiki.example/mesh#meshcninotready\"");
    }

    /** What increases from nothing to one is no increase: Prometheus has to have seen it at 0. */
    @Test
    void failuresAreServedBeforeTheFirstOne() throws Exception {
        assertThat(scrape(new AgentMetrics(() -> 0, () -> 0, () -> 0L)))
                .contains(
                        "istio_cni_installs_total{result=\"COPY_BINARIES_FAILURE\"} 0.0",
                        "istio_cni_repair_pods_repaired_total{result=\"fail\",type=\"delete\"} 0.0",
                        "meshcni_calls_total{outcome=\"retry\",reason=\"error-11\",verb=\"ADD\"} 0.0",
                        "meshcni_calls_total{outcome=\"failed\",reason=\"error-7\",verb=\"ADD\"} 0.0",
                        "meshcni_conf_rewrites_total 0.0");
    }

    /** The metrics of a daemon to which all that is counted has happened. */
    private static AgentMetrics used() {
        AgentMetrics metrics = new AgentMetrics(() -> 1, () -> 1, () -> 1L);
        for (Answer.Outcome outcome : Answer.Outcome.values()) {
            metrics.answered(
                    Answer.of(new AgentProtocol.Reply(0, new byte[0]), "ADD", "shop/web-0", outcome, ""),
                    Duration.ofMillis(3));
        }
        metrics.httpRefusals("monitoring").accept(HttpRefusal.FULL);
        return metrics;
    }

    private static String scrape(AgentMetrics metrics) throws Exception {
        try (MetricsServer server = MetricsServer.start(0, metrics);
                InputStream body = URI.create("http://127.0.0.1:" + server.port() + "/metrics")
                        .toURL()
                        .openStream()) {
            return new String(body.readAllBytes(), UTF_8);
        }
    }

    private static JsonNode alerts() {
        Yaml.Mapping document = YamlFile.documents("alerts.yaml", MonitoringManifests.text("alerts.yaml"))
                .getFirst();
        return new ObjectMapper().valueToTree(document.plain());
    }

    private static String yaml(String cni) {
        return manifests(cni).yaml();
    }

    private static NodeManifests manifests(String cni) {
        return NodeManifests.of(new ManifestInput(
                List.of(new ManifestInput.Document("v", "cni: " + cni)),
                List.of(),
                Optional.empty(),
                Optional.empty()));
    }

    private static List<String> kinds(String cni) {
        return manifests(cni).resources().stream().map(HasMetadata::getKind).toList();
    }
}
