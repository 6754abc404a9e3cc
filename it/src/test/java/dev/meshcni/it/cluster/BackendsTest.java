// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.it.Command;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every way of writing rules works with the programs that the image has, and no others. */
@InCluster
class BackendsTest {
    private final Cluster cluster;

    BackendsTest(Cluster cluster) {
        this.cluster = cluster;
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {env: {RULES_BY: netlink}}  | redirection backend: iptables-nft [0-9.]+, by netlink
            {env: {RULES_BY: programs}} | redirection backend: iptables-nft [0-9.]+, by its programs
            {nativeNftables: true}      | redirection backend: nftables, by netlink
            """)
    void redirects(String settings, String logged) {
        cluster.installation().ensure(Installation.manifest(settings));
        try (TestNamespace shop = TestNamespace.create(cluster, "backend")) {
            assertThat(cluster.installation().log()).containsPattern(logged);
            Peer peer = Peer.start(shop);

            shop.start(Pods.injected("web", Prober.script("web", peer)));

            for (String address : peer.addresses()) {
                assertThat(peer.answerTo("web", address)).as(address).isEqualTo(Pods.PROXY);
            }
            assertThat(peer.seen()).isEqualTo(Peer.Seen.NOTHING);
            Command.Result doctor = Cluster.meshcni("doctor", "--cluster").result();
            assertThat(doctor.succeeded()).as(doctor.out() + doctor.err()).isTrue();
        }
    }
}
