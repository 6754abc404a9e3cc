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

    @Test
    void addsThatWaitForPodsThatAreNotKnownRaiseTwoAlerts() {
        String manifest = Installation.manifest("{env: {POD_WAIT_SECONDS: \"2\"}}");
        installation.ensure(manifest);
        NodeFiles files = NodeFiles.of(cluster, manifest);
        String configuration = "{\"cniVersion\": \"1.0.0\", \"name\": \"pods\", \"type\": \"istio-cni\","
                + " \"cni_agent_run_dir\": \"" + files.run() + "\"}";
        String adds = """
                export CNI_COMMAND=ADD CNI_IFNAME=eth0 CNI_NETNS=/proc/1/ns/net CNI_PATH="$1"
                export CNI_ARGS='IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=nobody'
                for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
                  echo "$2" | CNI_CONTAINERID=nobody-$n "$1/istio-cni" >/dev/null &
                done
                wait
                """;
        Monitoring monitoring = Monitoring.of(cluster);
        monitoring.step();

        monitoring.repeatedly(5, () -> cluster.machine().run("sh", "-c", adds, "sh", files.bin(), configuration), 5);
        monitoring.awaitFiring("MeshCniAddRetries", "MeshCniAddSlow");
        monitoring.awaitFiring("MeshCniAddSlow", "MeshCniAddRetries");
        monitoring.awaitEnd();
    }

    @Test
    void aConfigurationThatIsRewrittenAgainAndAgainRaisesAnAlert() {
        installation.remove();
        String manifest = Installation.manifest("{}");
        NodeFiles files = NodeFiles.of(cluster, manifest);
        cluster.machine()
                .run(
                        "sh",
                        "-c",
                        "mkdir -p /tmp/mesh-cni-base && cp -p \"$1\"/* /tmp/mesh-cni-base/",
                        "sh",
                        files.conf());
        installation.ensure(manifest);
        Monitoring monitoring = Monitoring.of(cluster);
        monitoring.step();
        try {
            monitoring.repeatedly(
                    8,
                    () -> {
                        cluster.machine().run("sh", "-c", "cp /tmp/mesh-cni-base/* \"$1\"/", "sh", files.conf());
                        cluster.eventually(
                                "the entry is back",
                                () -> files.configurations().contains("istio-cni"));
                    },
                    1);
            monitoring.awaitFiring("MeshCniConfigurationContested", "MeshCniNotReady");
        } finally {
            cluster.machine().run("rm", "-r", "/tmp/mesh-cni-base");
        }
        monitoring.awaitEnd();
    }

    @Test
    void rulesThatCannotBeReadRaiseAnAlertUntilTheirPodIsGone() {
        installation.ensure(Installation.manifest("{env: {DRIFT_INTERVAL_SECONDS: \"2\"}}"));
        Monitoring monitoring = Monitoring.of(cluster);
        try (TestNamespace shop = TestNamespace.create(cluster, "unreadable")) {
            shop.start(Pods.injected("web", Pods.IDLE));
            new PodNetwork(shop, "web").run("sh", "-c", """
                    {
                      echo '*nat'
                      seq 10000 | sed 's/.*/-A POSTROUTING -m comment --comment & -j RETURN/'
                      echo COMMIT
                    } | iptables-restore --noflush
                    """);

            monitoring.awaitFiring("MeshCniPodsUnreadable");
            assertThat(installation.log()).contains("cannot read the rules of pod " + shop.name() + "/web");
            shop.pods().withName("web").withGracePeriod(0).delete();
            monitoring.awaitEnd();
        }
    }

    @Test
    void aRepairThatIsNotAllowedRaisesAnAlertUntilItIs() {
        installation.remove();
        String manifest = Installation.manifest("{repair: {labelPods: true}, env: {DRIFT_INTERVAL_SECONDS: \"2\"}}");
        try (TestNamespace shop = TestNamespace.create(cluster, "forbidden")) {
            shop.start(Pods.injected("early", Pods.IDLE));
            installation.apply(manifest);
            Cluster.kubectl(
                    DeniedRightsTest.without(manifest, "ClusterRole/istio-cni-repair-role", "pods/status", "patch"),
                    "apply",
                    "--filename=-");
            installation.restart();
            installation.awaitReady();
            Monitoring monitoring = Monitoring.of(cluster);
            monitoring.step();
            monitoring.awaitFiring("MeshCniRepairFailing", "MeshCniPodsUnredirected");

            Cluster.kubectl(manifest, "apply", "--filename=-");
            shop.awaitLabel("early", "cni.istio.io/uninitialized");
            shop.pods().withName("early").withGracePeriod(0).delete();
            monitoring.awaitEnd();
        }
    }
}
