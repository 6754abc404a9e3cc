// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meshcni.core.AgentProtocol;
import dev.meshcni.core.Answer;
import dev.meshcni.core.Answer.Outcome;
import dev.meshcni.telemetry.AgentMetrics;
import dev.meshcni.telemetry.MeshNumbers;
import dev.meshcni.testkit.promql.AlertRule;
import dev.meshcni.testkit.promql.Labels;
import dev.meshcni.testkit.promql.SeriesStore;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** The daemons of some nodes, scraped and judged as a Prometheus does it, in a time that passes at once. */
final class Fleet {
    /** Between two scrapes, and between two evaluations: that of the PodMonitor, and Prometheus's usual one. */
    static final Duration INTERVAL = Duration.ofSeconds(30);

    /** The ports that a daemon opens. */
    private static final List<String> PORTS = List.of("health", "monitoring");

    private final SeriesStore store = new SeriesStore();
    private final List<Node> nodes;
    private final List<AlertRule> rules;
    private Instant now = Instant.EPOCH;

    /** Nodes in ambient mode, on which there are all metrics. */
    Fleet(List<AlertRule> rules, String... pods) {
        this(rules, List.of(pods));
        nodes.forEach(node -> node.metrics().meshBy(() -> node.mesh));
    }

    private Fleet(List<AlertRule> rules, List<String> pods) {
        this.rules = rules;
        this.nodes = pods.stream().map(Node::new).toList();
    }

    /** Nodes without ambient mode. */
    static Fleet withoutMesh(List<AlertRule> rules, String... pods) {
        return new Fleet(rules, List.of(pods));
    }

    /** The daemon of a node, with the metrics that it really serves. */
    static final class Node {
        /** Ambient mode of a node where all is as it should be. */
        static final MeshNumbers MESH = new MeshNumbers(1, 3, 0);

        private final String pod;
        private final AgentMetrics metrics = new AgentMetrics(() -> 3, () -> 4, () -> 0L);
        private final Map<String, Double> fixed = new HashMap<>();
        private MeshNumbers mesh = MESH;
        private boolean answers = true;

        private Node(String pod) {
            this.pod = pod;
            metrics.installed(AgentMetrics.INSTALL_SUCCESS);
            PORTS.forEach(metrics::httpRefusals);
            heapInUse(0.3);
        }

        AgentMetrics metrics() {
            return metrics;
        }

        /** An ADD with this outcome. */
        void add(Outcome outcome, String cause, Duration time) {
            metrics.answered(
                    new Answer(
                            new AgentProtocol.Reply(0, new byte[0]),
                            "ADD",
                            "shop/web-0",
                            outcome,
                            "",
                            cause,
                            Answer.Effect.NONE),
                    time);
        }

        /** Sets the part of the heap that is in use, which is that of this JVM otherwise. */
        void heapInUse(double part) {
            fixed.put("meshcni_heap_max_bytes", 1e8);
            fixed.put("meshcni_heap_used_bytes", part * 1e8);
        }

        void mesh(MeshNumbers numbers) {
            mesh = numbers;
        }

        void answers(boolean scrapes) {
            answers = scrapes;
        }

        private Labels target() {
            return Labels.of(Map.of(
                    "job",
                    "istio-system/istio-cni-node",
                    "namespace",
                    "istio-system",
                    "pod",
                    pod,
                    "container",
                    "install-cni"));
        }

        private String text() {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            try {
                metrics.write(metrics.writer("text/plain"), out);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            StringBuilder text = new StringBuilder();
            out.toString(UTF_8).lines().forEach(line -> {
                Double value = fixed.get(line.replaceFirst(" .*", ""));
                text.append(value == null ? line : line.replaceFirst(" .*", " " + value))
                        .append('\n');
            });
            return text.toString();
        }
    }

    SeriesStore store() {
        return store;
    }

    Instant now() {
        return now;
    }

    Node first() {
        return nodes.getFirst();
    }

    /** Lets a time pass: in each interval something happens on each node, then they are scraped and judged. */
    void pass(Duration time, Consumer<Node> event) {
        Instant end = now.plus(time);
        while (now.isBefore(end)) {
            step(event);
        }
    }

    /** One interval. */
    void step(Consumer<Node> event) {
        now = now.plus(INTERVAL);
        nodes.forEach(node -> {
            event.accept(node);
            if (node.answers) {
                store.scrape(node.target(), node.text(), now);
            } else {
                store.failedScrape(node.target(), now);
            }
        });
        rules.forEach(rule -> rule.evaluate(store, now));
    }
}
