// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Pod;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Pods of the mesh call each other while the daemon, ztunnel or the node is restarted. */
@InCluster
class AmbientDisturbedTest extends AmbientFixture {
    private Calls calls;

    AmbientDisturbedTest(Cluster cluster) {
        super(cluster);
    }

    @BeforeEach
    void start() {
        open("calls");
        label();
        Pod server = shop.start(Pods.serving(SERVER));
        mesh.awaitMember(shop, SERVER);
        calls = Calls.start(shop, CLIENT, addresses(server));
        mesh.awaitMember(shop, CLIENT);
        calls.awaitMore();
    }

    @Test
    void noCallFailsWhileTheDaemonIsKilledAndReplaced() {
        int restarts = installation.restarts();
        installation.kill();
        cluster.eventually(
                "the daemon is started again", () -> installation.restarts() > restarts && installation.isRunning());
        installation.awaitReady();
        joinsAndIsCarried("after-a-kill");

        installation.restart();
        installation.awaitReady();
        joinsAndIsCarried("after-a-restart");

        assertNoneFailed("daemon killed and replaced");
    }

    @Test
    void noCallFailsDuringAnUpgradeOfTheDaemonAndTheWayBack() {
        String old = Installation.manifest(AmbientMesh.SETTINGS);
        String next = Installation.image(old) + "-next";
        cluster.machine().containerd("images", "tag", "--force", Installation.image(old), next);
        installation.ensure(Installation.manifest(
                "{ambient: {enabled: true}, tag: " + next.substring(next.lastIndexOf(':') + 1) + "}"));
        joinsAndIsCarried("after-an-upgrade");

        installation.ensure(old);
        joinsAndIsCarried("after-the-way-back");

        assertNoneFailed("daemon upgraded and rolled back");
    }

    @Test
    void noCallFailsWhileZtunnelIsReplaced() {
        mesh.rollOut();
        joinsAndIsCarried("after-a-rollout");

        assertNoneFailed("rollout of ztunnel");
    }

    @Test
    void podsAreInTheMeshAgainAfterZtunnelWasKilled() {
        mesh.kill();

        cluster.eventually("calls are answered again", () -> {
            long before = calls.figures().failures().size();
            calls.awaitMore();
            return calls.figures().failures().size() == before;
        });

        mesh.awaitReady();
        mesh.awaitMember(shop, CLIENT, SERVER);
        joinsAndIsCarried("after-a-kill");
        Report.line("ambient, ztunnel killed: " + calls.figures().text());
    }

    @Test
    void podsAreInTheMeshAfterAReboot() {
        NodeMachine.Switch power = cluster.machine().power();
        power.off();
        Instant off = Instant.now();
        power.on();
        Instant on = Instant.now();

        cluster.eventually(
                "both run again",
                Duration.ofMinutes(3),
                () -> shop.pods().list().getItems().stream()
                                .filter(pod -> Prober.startedAfter(pod, off))
                                .count()
                        == 2);

        Report.line("ambient, reboot: pods of the mesh run again after "
                + Duration.between(on, Instant.now()).toSeconds() + " s");
        installation.awaitReady();
        mesh.awaitReady();
        mesh.awaitMember(shop, CLIENT, SERVER);
        joinsAndIsCarried("after-a-reboot");
    }

    /** A new pod joins, and calls the server by HBONE. */
    private void joinsAndIsCarried(String name) {
        shop.createAccount(name);
        shop.start(Pods.serving(name));
        mesh.awaitMember(shop, name);
        String address = shop.pods().withName(SERVER).require().getStatus().getPodIP();
        assertThat(shop.page(name, address)).contains(Pods.WORLD);
        cluster.eventually("ztunnel has carried it", () -> mesh.tunnels(shop, name, SERVER, address) > 0);
    }

    private void assertNoneFailed(String disturbance) {
        calls.awaitMore();
        Calls.Figures figures = calls.figures();
        Report.line("ambient, " + disturbance + ": " + figures.text());
        assertThat(figures.failures()).isEmpty();
    }
}
