// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.promql.Labels;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Alerts and the dashboard with the metrics of a daemon. Other alerts are tested where their condition is made. */
@InCluster
class MonitoringTest {
    private final Cluster cluster;
    private final Installation installation;

    MonitoringTest(Cluster cluster) {
        this.cluster = cluster;
        this.installation = cluster.installation();
    }

    @Test
    void aRejectedPodRaisesAnAlertUntilItIsGoneAndEveryQueryOfTheDashboardHasData() {
        installation.ensure(Installation.manifest("{}"));
        Monitoring monitoring = Monitoring.of(cluster);
        monitoring.step();
        try (TestNamespace shop = TestNamespace.create(cluster, "monitoring")) {
            shop.create(new PodBuilder(Pods.injected("wrong", Pods.IDLE))
                    .editMetadata()
                    .addToAnnotations("traffic.sidecar.istio.io/excludeOutboundPorts", "http")
                    .endMetadata()
                    .build());
            cluster.eventually(
                    "it is rejected",
                    () -> shop.eventsOf("wrong").stream().anyMatch(event -> event.contains("excludeOutboundPorts")));
            monitoring.awaitFiring("MeshCniAddErrors");
            shop.pods().withName("wrong").withGracePeriod(0).delete();
            monitoring.awaitEnd();

            shop.start(Pods.injected("web", Pods.IDLE));
            monitoring.step();
        }

        Map<String, Map<Labels, Double>> values = monitoring.dashboard();
        assertThat(values)
                .hasSizeGreaterThan(10)
                .allSatisfy((query, series) -> assertThat(series.values())
                        .as(query)
                        .isNotEmpty()
                        .allSatisfy(value -> assertThat(value).isFinite()));
        assertThat(values.get("sum(meshcni_unredirected_pods)").values()).containsExactly(0.0);
    }
}
