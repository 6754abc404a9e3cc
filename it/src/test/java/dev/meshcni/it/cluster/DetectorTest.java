// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What counts unredirected connections in the other tests sees one where there is no redirection. */
@InCluster
class DetectorTest {
    private final Cluster cluster;

    private TestNamespace shop;
    private Peer peer;

    DetectorTest(Cluster cluster) {
        this.cluster = cluster;
    }

    @BeforeEach
    void start() {
        cluster.installation().remove();
        shop = TestNamespace.create(cluster, "detector");
        peer = Peer.start(shop);
    }

    @AfterEach
    void end() {
        if (shop != null) {
            shop.close();
        }
    }

    @Test
    void theFirstUnredirectedConnectionIsSeenByThePeerAndByTheApplication() {
        shop.create(Pods.injected("web", Prober.script("web", peer)));

        cluster.eventually(
                "the application has seen it",
                () -> Prober.bypass(shop.pods().withName("web").require()).isPresent());
        Peer.Seen seen = peer.seen();
        assertThat(seen.names()).containsExactly("web");
        assertThat(seen.segments()).isPositive();
    }

    @Test
    void withoutAPeerTheApplicationSeesItAlone() {
        shop.pods().withName("peer").withGracePeriod(0).delete();

        shop.create(Pods.injected("web", Prober.script("web", peer)));

        cluster.eventually(
                "the application has seen it",
                () -> Prober.bypass(shop.pods().withName("web").require()).isPresent());
    }

    @Test
    void redirectedApplicationsAreNotSeen() {
        cluster.installation().ensure(Installation.manifest("{}"));
        Load.Figures figures;
        try (Load load = Load.start(shop, peer, 10)) {
            figures = load.end();
        }

        assertThat(figures.bypasses()).isEmpty();
        assertThat(figures.seen()).isEqualTo(Peer.Seen.NOTHING);
        Report.line("undisturbed: " + figures.text());
    }
}
