// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** From Istio's CNI node agent to this one and back, by docs/migrating.md, while pods start. */
@InCluster
class MigrationTest {
    private final Cluster cluster;
    private final Installation installation;

    MigrationTest(Cluster cluster) {
        this.cluster = cluster;
        this.installation = cluster.installation();
    }

    @Test
    void noConnectionBypassesTheProxyThereAndBack() {
        try (ForeignManifests istio = ForeignManifests.named(Setting.MESHCNI_ISTIO_CNI_MANIFESTS)) {
            installation.remove();
            installation.createNamespace();
            istio.applyAndAwait();
            try (TestNamespace shop = TestNamespace.create(cluster, "migration")) {
                Peer peer = Peer.start(shop);
                Load.Figures figures;
                try (Load load = Load.start(shop, peer, 30)) {
                    installation.ensure(Installation.manifest("{}"));
                    istio.applyAndAwait();
                    figures = load.end();
                }
                Report.line("migration there and back: " + figures.text());
                assertThat(figures.bypasses()).isEmpty();
                assertThat(figures.seen()).isEqualTo(Peer.Seen.NOTHING);
            }
        }
        installation.remove();
    }
}
