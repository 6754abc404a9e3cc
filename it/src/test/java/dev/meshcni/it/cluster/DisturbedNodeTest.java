// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Pod;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Pods start while the daemon is killed, updated or cut off, and none of their packets bypasses the proxy. */
@InCluster
class DisturbedNodeTest {
    /** The kubelet starts the container at once after the first, 10 s after the second, and minutes after more. */
    private static final int KILLS = 2;

    private static final Map<String, String> STAYING = Map.of("staying", "true");
    private static final int STAYING_PODS = 8;
    private static final Duration OUTAGE = Duration.ofMinutes(1);

    /** Containers are started again after 10 and 20 s, sandboxes are tried again with the next sync of their pod. */
    private static final Duration BACK_OFF = Duration.ofSeconds(60);

    private final Cluster cluster;
    private final Installation installation;

    private TestNamespace shop;
    private Peer peer;

    DisturbedNodeTest(Cluster cluster) {
        this.cluster = cluster;
        this.installation = cluster.installation();
    }

    @BeforeEach
    void start() {
        installation.ensure(Installation.manifest("{}"));
        shop = TestNamespace.create(cluster, "load");
        peer = Peer.start(shop);
    }

    @AfterEach
    void end() {
        if (shop != null) {
            shop.close();
        }
    }

    @Test
    void podsWaitWhileTheDaemonIsDeadAndAreRedirectedThen() {
        int before = installation.restarts();
        Monitoring monitoring = Monitoring.of(cluster);
        Load.Figures figures;
        try (Load load = Load.start(shop, peer, 30)) {
            for (int kill = 1; kill <= KILLS; kill++) {
                int restarts = before + kill;
                installation.kill();
                if (kill == KILLS) {
                    monitoring.awaitFiring("MeshCniDown");
                }
                cluster.eventually(
                        "the daemon is started again",
                        () -> installation.restarts() >= restarts && installation.isRunning());
            }
            figures = load.end();
            monitoring.awaitEnd();
        }

        Report.line(KILLS + " kills of the daemon: " + figures.text());
        assertNoBypass(figures);
        assertThat(figures.reasons())
                .as("pods were refused meanwhile")
                .isNotEmpty()
                .allSatisfy(reason -> assertThat(reason).contains("mesh-cni agent"));
    }

    @Test
    void anUpgradeAndTheWayBackCostNoPodItsRedirection() {
        String old = Installation.manifest("{}");
        String image = Installation.image(old);
        String next = image + "-next";
        cluster.machine().containerd("images", "tag", "--force", image, next);
        Load.Figures figures;
        try (Load load = Load.start(shop, peer, 30)) {
            installation.ensure(Installation.manifest("{tag: " + next.substring(next.lastIndexOf(':') + 1) + "}"));
            assertThat(installation
                            .daemon()
                            .getSpec()
                            .getContainers()
                            .getFirst()
                            .getImage())
                    .isEqualTo(next);
            installation.ensure(old);
            figures = load.end();
        }

        Report.line("upgrade and roll back: " + figures.text());
        assertNoBypass(figures);
    }

    @Test
    void sandboxesAreMadeWhileTheApiServerIsAway() {
        NodeMachine.Switch api = cluster.machine().apiServer();
        startStaying();
        Instant away = Instant.now();
        api.off();
        try {
            List<String> sandboxes = sandboxes();
            assertThat(sandboxes).hasSize(STAYING_PODS);
            sandboxes.forEach(id -> cluster.machine().containerd("tasks", "kill", "--signal", "SIGKILL", id));
            // Those that have ended stay in the list for a while.
            cluster.eventually(
                    "all have a new sandbox",
                    () -> sandboxes().stream()
                                    .filter(id -> !sandboxes.contains(id))
                                    .count()
                            >= STAYING_PODS);
            Cluster.pause(OUTAGE);
        } finally {
            api.on();
        }

        cluster.eventually("all run again", () -> staying().stream().allMatch(pod -> Prober.startedAfter(pod, away)));
        Report.line(
                "API server away for " + Duration.between(away, Instant.now()).toSeconds() + " s: " + STAYING_PODS
                        + " sandboxes killed and made again, " + peer.seen().segments() + " unredirected packets");
        assertNoBypass();
    }

    @Test
    void podsAreRedirectedAfterAReboot() {
        NodeMachine.Switch power = cluster.machine().power();
        startStaying();
        power.off();
        Instant off = Instant.now();
        power.on();
        Instant on = Instant.now();

        cluster.eventually(
                "all run again",
                Duration.ofMinutes(3),
                () -> staying().stream().allMatch(pod -> Prober.startedAfter(pod, off)));

        installation.awaitReady();
        Report.line("reboot: " + STAYING_PODS + " pods run again after "
                + Duration.between(on, Instant.now()).toSeconds() + " s");
        staying().forEach(pod -> assertThat(Prober.bypass(pod)).isEmpty());
        assertThat(staying())
                .allSatisfy(pod -> assertThat(shop.answer(pod.getMetadata().getName(), peer.node()))
                        .contains(Pods.PROXY));
    }

    private void assertNoBypass(Load.Figures figures) {
        assertThat(figures.bypasses()).isEmpty();
        assertThat(figures.seen()).isEqualTo(Peer.Seen.NOTHING);
        assertThat(figures.longest()).isLessThan(BACK_OFF);
    }

    private void assertNoBypass() {
        assertThat(staying()).allSatisfy(pod -> assertThat(Prober.bypass(pod)).isEmpty());
        assertThat(peer.seen()).isEqualTo(Peer.Seen.NOTHING);
    }

    private void startStaying() {
        List<String> names =
                IntStream.range(0, STAYING_PODS).mapToObj(n -> "staying-" + n).toList();
        names.forEach(name -> shop.create(Pods.injected(name, STAYING, Prober.script(name, peer))));
        names.forEach(shop::awaitRunning);
        assertNoBypass();
    }

    private List<Pod> staying() {
        return shop.pods().withLabels(STAYING).list().getItems();
    }

    private List<String> sandboxes() {
        return cluster.machine()
                .containerd(
                        "containers",
                        "list",
                        "--quiet",
                        "labels.\"io.kubernetes.pod.namespace\"==" + shop.name()
                                + ",labels.\"staying\"==true,labels.\"io.cri-containerd.kind\"==sandbox")
                .lines()
                .toList();
    }
}
