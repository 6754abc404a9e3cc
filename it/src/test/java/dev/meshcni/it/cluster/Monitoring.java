// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.meshcni.testkit.promql.AlertRule;
import dev.meshcni.testkit.promql.Labels;
import dev.meshcni.testkit.promql.Query;
import dev.meshcni.testkit.promql.SeriesStore;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.HasMetadata;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What Prometheus and Grafana would show of the daemon with the alerts and the dashboard of the manifests. Time passes
 * faster for them: a scrape is said to be half a minute after the one before, and is made at once.
 */
final class Monitoring {
    private static final Duration INTERVAL = Duration.ofSeconds(30);
    private static final Duration PAUSE = Duration.ofMillis(150);

    /** By how much an alert may fire or end later than by its own time, for what its expression averages. */
    private static final Duration LATENESS = Duration.ofMinutes(20);

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Installation installation;
    private final List<HasMetadata> manifests;
    private final List<AlertRule> rules;
    private final SeriesStore store = new SeriesStore();
    private Set<String> targets = Set.of();
    private Instant now = Instant.EPOCH;

    private Monitoring(Installation installation) {
        this.installation = requireNonNull(installation, "installation is null");
        this.manifests = Installation.resources(
                Installation.manifest("{prometheusRule: {enabled: true}, dashboard: {enabled: true}}"));
        this.rules = rules(manifests);
    }

    static Monitoring of(Cluster cluster) {
        return new Monitoring(cluster.installation());
    }

    /**
     * Scrapes until an alert has fired.
     *
     * @param besides alerts that the same condition may raise; no other one fires meanwhile
     */
    void awaitFiring(String alert, String... besides) {
        AlertRule rule = rule(alert);
        Instant latest = now.plus(rule.time()).plus(LATENESS);
        Set<String> expected = new HashSet<>(List.of(besides));
        expected.add(alert);
        while (rule.firing().isEmpty()) {
            assertThat(now).as("%s does not fire; active: %s", alert, active()).isBefore(latest);
            step();
            assertThat(firing()).isSubsetOf(expected);
        }
        assertThat(rule.firing()).allSatisfy(labels -> assertThat(targets).contains(labels.value("pod")));
    }

    /** Scrapes a number of times after an event, and does so again and again. */
    void repeatedly(int events, Runnable event, int scrapes) {
        for (int n = 0; n < events; n++) {
            event.run();
            for (int scrape = 0; scrape < scrapes; scrape++) {
                step();
            }
        }
    }

    /** Scrapes until no alert is active. */
    void awaitEnd() {
        Instant latest = now.plus(LATENESS);
        while (!active().isEmpty()) {
            assertThat(now).as("still active: %s", active()).isBefore(latest);
            step();
        }
    }

    /** Scrapes the daemons and evaluates the alerts. */
    void step() {
        now = now.plus(INTERVAL);
        Map<String, Optional<String>> scraped = installation.scrape();
        Set<String> gone = new HashSet<>(targets);
        gone.removeAll(scraped.keySet());
        gone.forEach(pod -> store.targetGone(target(pod), now));
        scraped.forEach((pod, metrics) -> metrics.ifPresentOrElse(
                text -> store.scrape(target(pod), text, now), () -> store.failedScrape(target(pod), now)));
        targets = Set.copyOf(scraped.keySet());
        rules.forEach(rule -> rule.evaluate(store, now));
        Cluster.pause(PAUSE);
    }

    /** The values of each query of the dashboard. */
    Map<String, Map<Labels, Double>> dashboard() {
        return manifests.stream()
                .filter(ConfigMap.class::isInstance)
                .map(ConfigMap.class::cast)
                .flatMap(map -> Optional.ofNullable(map.getData().get("mesh-cni.json")).stream())
                .flatMap(text -> json(text).findValuesAsText("expr").stream())
                .distinct()
                .collect(Collectors.toMap(
                        query -> query, query -> Query.of(query).evaluate(store, now)));
    }

    private Set<String> active() {
        return rules.stream()
                .filter(rule -> !rule.active().isEmpty())
                .map(AlertRule::name)
                .collect(Collectors.toSet());
    }

    private Set<String> firing() {
        return rules.stream()
                .filter(rule -> !rule.firing().isEmpty())
                .map(AlertRule::name)
                .collect(Collectors.toSet());
    }

    private AlertRule rule(String alert) {
        return rules.stream()
                .filter(rule -> rule.name().equals(alert))
                .findFirst()
                .orElseThrow();
    }

    /** The labels that the PodMonitor gives. */
    private static Labels target(String pod) {
        return Labels.of(Map.of(
                "job",
                Installation.NAMESPACE + "/" + Installation.DAEMON_SET,
                "namespace",
                Installation.NAMESPACE,
                "pod",
                pod,
                "container",
                "install-cni"));
    }

    private static List<AlertRule> rules(List<HasMetadata> manifests) {
        List<AlertRule> rules = new ArrayList<>();
        manifests.stream()
                .filter(resource -> resource.getKind().equals("PrometheusRule"))
                .map(resource -> JSON.<JsonNode>valueToTree(resource).at("/spec/groups"))
                .forEach(groups -> groups.forEach(group -> group.path("rules")
                        .forEach(rule -> rules.add(AlertRule.of(
                                rule.path("alert").asText(),
                                rule.path("expr").asText(),
                                rule.path("for").asText())))));
        assertThat(rules).isNotEmpty();
        return rules;
    }

    private static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new AssertionError(e);
        }
    }
}
