// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.GenericKubernetesResourceBuilder;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What watches the daemons: resources for the Prometheus operator and Grafana, each only if asked for. The alerts and
 * the dashboard are the files of the Helm chart.
 */
record MonitoringManifests(CniValues values) {
    /** The alerts, as the {@code spec} of a PrometheusRule. */
    static final String ALERTS = "alerts.yaml";

    /** The dashboard, as Grafana exports it. */
    static final String DASHBOARD = "dashboard.json";

    /** What stands in the file for the page of the alerts, in which each has a section. */
    private static final String RUNBOOK_MARK = "RUNBOOK";

    private static final Pattern RUNBOOK_LINE = Pattern.compile(" *runbook_url: .*\n");

    private static final String OPERATOR = "monitoring.coreos.com/v1";
    private static final Map<String, Object> PODS = Map.of("matchLabels", Map.of("k8s-app", NodeManifests.DAEMON_SET));

    List<HasMetadata> resources() {
        CniValues.Monitoring monitoring = values.monitoring();
        List<HasMetadata> resources = new ArrayList<>();
        monitoring.podMonitor().ifPresent(found -> resources.add(podMonitor(found)));
        monitoring.alerts().ifPresent(found -> resources.add(alerts(found)));
        if (monitoring.dashboard()) {
            resources.add(dashboard());
        }
        return resources;
    }

    /** The text of one of the files. */
    static String text(String file) {
        try (InputStream in = MonitoringManifests.class.getResourceAsStream(file)) {
            return new String(in.readAllBytes(), UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private HasMetadata podMonitor(CniValues.PodMonitor monitor) {
        return resource(
                OPERATOR,
                "PodMonitor",
                NodeManifests.DAEMON_SET,
                monitor.labels(),
                Map.of(
                        "selector",
                        PODS,
                        "podMetricsEndpoints",
                        List.of(Map.of("port", "metrics", "path", "/metrics", "interval", monitor.interval()))));
    }

    private HasMetadata alerts(CniValues.Alerts alerts) {
        return resource(
                OPERATOR,
                "PrometheusRule",
                NodeManifests.DAEMON_SET,
                alerts.labels(),
                new KubernetesSerialization().unmarshal(alertsOf(alerts.runbook()), Map.class));
    }

    /**
     * The alerts with links to a page; without any where none is named, as nobody knows where the page is published.
     */
    private static String alertsOf(Optional<String> runbook) {
        return runbook.map(page -> text(ALERTS).replace(RUNBOOK_MARK, page))
                .orElseGet(() -> RUNBOOK_LINE.matcher(text(ALERTS)).replaceAll(""));
    }

    /** Grafana's sidecar loads the dashboards of the ConfigMaps with this label. */
    private HasMetadata dashboard() {
        return new ConfigMapBuilder()
                .withMetadata(
                        new ObjectMetaBuilder(NodeManifests.metadata(values, NodeManifests.DAEMON_SET + "-dashboard"))
                                .addToLabels("grafana_dashboard", "1")
                                .build())
                .addToData("mesh-cni.json", text(DASHBOARD))
                .build();
    }

    private GenericKubernetesResource resource(
            String apiVersion, String kind, String name, Map<String, String> labels, Map<?, ?> spec) {
        return new GenericKubernetesResourceBuilder()
                .withApiVersion(apiVersion)
                .withKind(kind)
                .withMetadata(new ObjectMetaBuilder(NodeManifests.metadata(values, name))
                        .addToLabels(labels)
                        .build())
                .addToAdditionalProperties("spec", spec)
                .build();
    }
}
