// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.meshcni.config.Yaml;
import dev.meshcni.config.YamlFile;
import dev.meshcni.core.Answer.Outcome;
import dev.meshcni.telemetry.MeshNumbers;
import dev.meshcni.testkit.promql.AlertRule;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Each alert fires after its time when what it warns of is made on one of two nodes, for that node and no other, and
 * ends when that ends. The series are those of daemons' metrics, over hours.
 */
class AlertsTest {
    private static final Pattern LABEL = Pattern.compile("\\$labels\\.(\\w+)");
    private static final Duration QUICK = Duration.ofMillis(3);
    private static final Duration SLOW = Duration.ofSeconds(3);

    /**
     * What an alert warns of.
     *
     * @param begin what makes it so on a node
     * @param meanwhile what happens there in each interval
     * @param end what makes it right again
     * @param lateness how much later than after its time the alert may fire, because of what its expression averages
     * @param remains how long after the end it may remain active
     */
    private record Fault(
            Consumer<Fleet.Node> begin,
            Consumer<Fleet.Node> meanwhile,
            Consumer<Fleet.Node> end,
            Duration lateness,
            Duration remains) {
        static Fault state(Consumer<Fleet.Node> begin, Consumer<Fleet.Node> end) {
            return new Fault(begin, AlertsTest::work, end, Duration.ZERO, Duration.ZERO);
        }

        static Fault events(Consumer<Fleet.Node> meanwhile, Duration lateness, Duration remains) {
            return new Fault(_ -> {}, meanwhile, _ -> {}, lateness, remains);
        }
    }

    private static final Map<String, Fault> FAULTS = new TreeMap<>(Map.ofEntries(
            Map.entry("MeshCniDown", Fault.state(node -> node.answers(false), node -> node.answers(true))),
            Map.entry(
                    "MeshCniNotReady",
                    Fault.state(
                            node -> node.metrics().installReady(false),
                            node -> node.metrics().installReady(true))),
            Map.entry(
                    "MeshCniPodsUnredirected",
                    Fault.state(
                            node -> {
                                node.metrics().drifted(2);
                                node.metrics().unredirected(2);
                            },
                            node -> {
                                node.metrics().drifted(0);
                                node.metrics().unredirected(0);
                            })),
            Map.entry(
                    "MeshCniDrift",
                    Fault.state(
                            node -> node.metrics().drifted(1),
                            node -> node.metrics().drifted(0))),
            Map.entry(
                    "MeshCniPodsUnreadable",
                    Fault.state(
                            node -> node.metrics().unreadable(1),
                            node -> node.metrics().unreadable(0))),
            Map.entry(
                    "MeshCniRepairSuspended",
                    Fault.state(
                            node -> node.metrics().repairSuspended(true),
                            node -> node.metrics().repairSuspended(false))),
            Map.entry(
                    "MeshCniRepairFailing",
                    Fault.events(
                            node -> node.metrics().repaired("repair", "fail"), Duration.ZERO, Duration.ofMinutes(15))),
            Map.entry(
                    "MeshCniZtunnelAway",
                    Fault.state(node -> node.mesh(new MeshNumbers(0, 3, 0)), node -> node.mesh(Fleet.Node.MESH))),
            Map.entry(
                    "MeshCniMeshPodsPending",
                    Fault.state(node -> node.mesh(new MeshNumbers(1, 3, 1)), node -> node.mesh(Fleet.Node.MESH))),
            Map.entry(
                    "MeshCniAddErrors",
                    Fault.events(
                            node -> node.add(Outcome.FAILED, "error-100", QUICK),
                            Duration.ZERO,
                            Duration.ofMinutes(10))),
            Map.entry(
                    "MeshCniAddRetries",
                    Fault.events(
                            node -> {
                                node.add(Outcome.RETRY, "error-11", QUICK);
                                node.add(Outcome.RETRY, "error-11", QUICK);
                            },
                            Duration.ofMinutes(4),
                            Duration.ofMinutes(10))),
            Map.entry(
                    "MeshCniAddSlow",
                    Fault.events(
                            node -> node.add(Outcome.REDIRECTED, "", SLOW),
                            Duration.ofMinutes(1),
                            Duration.ofMinutes(10))),
            Map.entry(
                    "MeshCniConfigurationContested",
                    Fault.events(
                            node -> node.metrics().confRewritten(), Duration.ofMinutes(4), Duration.ofMinutes(10))),
            Map.entry(
                    "MeshCniHeapFull",
                    new Fault(
                            node -> node.heapInUse(0.95),
                            AlertsTest::work,
                            node -> node.heapInUse(0.3),
                            Duration.ofMinutes(9),
                            Duration.ofMinutes(2)))));

    @Test
    void eachHasAFaultHere() {
        assertThat(rules()).extracting(AlertRule::name).containsExactlyInAnyOrderElementsOf(FAULTS.keySet());
    }

    @TestFactory
    Stream<DynamicTest> firesAfterItsTimeAndEnds() {
        return FAULTS.entrySet().stream()
                .map(fault ->
                        DynamicTest.dynamicTest(fault.getKey(), () -> firesAndEnds(fault.getKey(), fault.getValue())));
    }

    @Test
    void noneIsActiveForAFleetThatWorksOrThatIsUpdated() {
        List<AlertRule> rules = rules();
        Fleet fleet = new Fleet(rules, "a", "b");

        fleet.pass(Duration.ofHours(2), AlertsTest::work);
        assertThat(active(rules)).isEmpty();

        // An update: a daemon is away, and not ready at first; pods that start meanwhile are sent away.
        fleet.first().answers(false);
        fleet.pass(Duration.ofMinutes(1), AlertsTest::work);
        fleet.first().answers(true);
        fleet.first().metrics().installReady(false);
        fleet.first().mesh(new MeshNumbers(0, 3, 3));
        fleet.pass(Duration.ofMinutes(2), node -> node.add(Outcome.RETRY, "error-11", QUICK));
        fleet.first().metrics().installReady(true);
        fleet.first().mesh(Fleet.Node.MESH);
        fleet.pass(Duration.ofMinutes(30), node -> {
            work(node);
            assertThat(firing(rules)).isEmpty();
        });
        assertThat(active(rules)).isEmpty();
    }

    /** A node without ambient mode needs no ztunnel. */
    @Test
    void noneIsActiveForNodesWithoutAmbientMode() {
        List<AlertRule> rules = rules();
        Fleet fleet = Fleet.withoutMesh(rules, "a");

        fleet.pass(Duration.ofHours(1), AlertsTest::work);

        assertThat(active(rules)).isEmpty();
    }

    private static void firesAndEnds(String name, Fault fault) {
        List<AlertRule> rules = rules();
        AlertRule alert = rules.stream()
                .filter(rule -> rule.name().equals(name))
                .findFirst()
                .orElseThrow();
        Fleet fleet = new Fleet(rules, "a", "b");
        fleet.pass(Duration.ofMinutes(30), AlertsTest::work);
        assertThat(active(rules)).as("before").isEmpty();

        fault.begin().accept(fleet.first());
        Instant begun = fleet.now().plus(Fleet.INTERVAL);
        Instant latest = begun.plus(alert.time()).plus(fault.lateness());
        while (alert.firing().isEmpty() && fleet.now().isBefore(latest)) {
            fleet.step(node -> happens(fleet, node, fault));
        }

        assertThat(alert.firing()).as("at %s", fleet.now()).isNotEmpty().allSatisfy(labels -> {
            assertThat(labels.value("pod")).isEqualTo("a");
            assertThat(namedInAnnotations(name))
                    .allSatisfy(
                            label -> assertThat(labels.value(label)).as(label).isNotEmpty());
        });
        assertThat(fleet.now()).isAfterOrEqualTo(begun.plus(alert.time()));
        assertThat(firing(rules)).as("no other one").containsExactly(name);

        fault.end().accept(fleet.first());
        fleet.pass(fault.remains().plus(Fleet.INTERVAL), AlertsTest::work);
        assertThat(active(rules)).as("after").isEmpty();
    }

    private static void happens(Fleet fleet, Fleet.Node node, Fault fault) {
        if (node == fleet.first()) {
            fault.meanwhile().accept(node);
        } else {
            work(node);
        }
    }

    /** What a node does that works. */
    private static void work(Fleet.Node node) {
        node.add(Outcome.REDIRECTED, "", QUICK);
        node.add(Outcome.SKIPPED, "no-proxy", QUICK);
        node.metrics().repaired("repair", "success");
    }

    private static Set<String> active(List<AlertRule> rules) {
        return rules.stream()
                .filter(rule -> !rule.active().isEmpty())
                .map(AlertRule::name)
                .collect(Collectors.toSet());
    }

    private static Set<String> firing(List<AlertRule> rules) {
        return rules.stream()
                .filter(rule -> !rule.firing().isEmpty())
                .map(AlertRule::name)
                .collect(Collectors.toSet());
    }

    private static List<String> namedInAnnotations(String alert) {
        List<String> labels = new ArrayList<>();
        alerts().forEach(rule -> {
            if (rule.path("alert").asText().equals(alert)) {
                rule.path("annotations")
                        .forEach(text ->
                                LABEL.matcher(text.asText()).results().forEach(label -> labels.add(label.group(1))));
            }
        });
        assertThat(labels).contains("pod");
        return labels;
    }

    private static List<AlertRule> rules() {
        List<AlertRule> rules = new ArrayList<>();
        alerts().forEach(rule -> rules.add(AlertRule.of(
                rule.path("alert").asText(),
                rule.path("expr").asText(),
                rule.path("for").asText())));
        return rules;
    }

    private static JsonNode alerts() {
        Yaml.Mapping document = YamlFile.documents("alerts.yaml", MonitoringManifests.text("alerts.yaml"))
                .getFirst();
        return new ObjectMapper().valueToTree(document.plain()).at("/groups/0/rules");
    }
}
