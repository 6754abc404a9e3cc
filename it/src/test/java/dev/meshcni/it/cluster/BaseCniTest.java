// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A base CNI, or one that calls others, which the caller names by its manifests. */
@InCluster
class BaseCniTest {
    private final Cluster cluster;

    BaseCniTest(Cluster cluster) {
        this.cluster = cluster;
    }

    @ParameterizedTest
    @EnumSource(names = {"MESHCNI_MULTUS_MANIFESTS", "MESHCNI_CALICO_MANIFESTS"})
    void podsAreRedirectedBehindItAndItsFilesAreGivenBack(Setting manifests) {
        try (ForeignCni foreign = ForeignCni.install(cluster, manifests)) {
            NodeFiles files = foreign.files();
            List<String> before = files.state();
            cluster.installation().ensure(Installation.manifest("{}"));
            try (TestNamespace shop = TestNamespace.create(cluster, "base")) {
                Peer peer = Peer.start(shop);
                Load.Figures figures;
                try (Load load = Load.start(shop, peer, 10)) {
                    figures = load.end();
                }
                Report.line(manifests + ": " + figures.text());
                assertThat(figures.bypasses()).isEmpty();
                assertThat(figures.seen()).isEqualTo(Peer.Seen.NOTHING);
            }

            cluster.installation().remove();

            assertThat(files.state()).isEqualTo(before);
        }
    }

    @Test
    void podsAreRedirectedThatMultusAttachesToANetworkOfOurs() {
        try (ForeignCni _ = ForeignCni.install(cluster, Setting.MESHCNI_MULTUS_MANIFESTS)) {
            String manifest =
                    Installation.manifest("{chained: false, provider: multus, cniConfDir: /etc/cni/multus/net.d}");
            NodeFiles files = NodeFiles.of(cluster, manifest);
            cluster.machine().run("mkdir", "-p", files.conf());
            List<String> before = files.state();
            cluster.installation().ensure(manifest);
            try (TestNamespace shop = TestNamespace.create(cluster, "network")) {
                Peer peer = Peer.start(shop);
                shop.start(Pods.attached("web", "default/istio-cni", Pods.IDLE));
                assertThat(peer.answerTo("web")).isEqualTo(Pods.PROXY);
                assertThat(peer.seen()).isEqualTo(Peer.Seen.NOTHING);

                cluster.installation().remove();

                assertThat(files.state()).isEqualTo(before);
                assertThat(peer.answerTo("web"))
                        .as("a pod keeps its redirection")
                        .isEqualTo(Pods.PROXY);
            }
        }
    }
}
