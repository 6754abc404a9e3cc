// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The plugin in a copy of the base CNI's file ({@code istioOwnedCNIConfig}), with a kubelet, a runtime and a reboot.
 */
@InCluster
class OwnedCopyTest {
    private static final String COPY = "02-istio-cni.conflist";
    private static final String MANIFEST = Installation.manifest("{istioOwnedCNIConfig: true}");

    private final Cluster cluster;
    private final Installation installation;
    private final NodeFiles files;

    private List<String> before = List.of();
    private TestNamespace shop;
    private Peer peer;

    OwnedCopyTest(Cluster cluster) {
        this.cluster = cluster;
        this.installation = cluster.installation();
        this.files = NodeFiles.of(cluster, MANIFEST);
    }

    @BeforeEach
    void start() {
        installation.removeLeftOver();
        before = files.state();
        shop = TestNamespace.create(cluster, "copy");
        peer = Peer.start(shop);
        installation.ensure(MANIFEST);
    }

    @AfterEach
    void end() {
        if (shop != null) {
            shop.close();
        }
    }

    @Test
    void podsStartThroughTheCopyAndAnUninstallationLeavesNoTrace() {
        assertThat(conf(COPY)).contains("istio-cni", "copy_of");
        assertThat(files.state()).as("the base CNI's files are as they were").containsAll(before);
        assertThat(pluginFiles()).containsExactly(COPY);

        shop.start(Pods.injected("web", Prober.script("web", peer)));
        assertThat(peer.answerTo("web")).isEqualTo(Pods.PROXY);
        assertThat(peer.seen()).isEqualTo(Peer.Seen.NOTHING);

        installation.remove();

        assertThat(files.state()).isEqualTo(before);
        shop.start(Pods.injected("later", Pods.IDLE));
        assertThat(peer.answerTo("later")).isEqualTo(Pods.WORLD);
    }

    @Test
    void aChangeOfTheBaseCnisFileReachesNewPods() {
        String base = baseFile();
        String old = conf(base);
        assertThat(old).contains("\"type\": \"ptp\"").doesNotContain("mtu");
        write(base, old.replace("\"type\": \"ptp\"", "\"type\": \"ptp\", \"mtu\": 1400"));
        try {
            cluster.eventually("the copy has it", () -> conf(COPY).contains("1400"));
            assertThat(conf(base)).doesNotContain("istio-cni");

            // The runtime reads the directory when something in it changes, and may be a moment behind.
            cluster.eventually("a pod has it", () -> {
                shop.pods().withName("web").withGracePeriod(0).delete();
                cluster.eventually(
                        "the pod is gone", () -> shop.pods().withName("web").get() == null);
                shop.start(Pods.injected("web", Pods.IDLE));
                assertThat(peer.answerTo("web")).isEqualTo(Pods.PROXY);
                return shop.exec("web", "ip link show dev eth0").contains("mtu 1400");
            });
        } finally {
            write(base, old);
        }

        cluster.eventually("the copy has it no more", () -> !conf(COPY).contains("1400"));
        installation.remove();
        assertThat(files.state()).isEqualTo(before);
    }

    @Test
    void podsAreRedirectedAfterAReboot() {
        NodeMachine.Switch power = cluster.machine().power();
        shop.start(Pods.injected("web", Prober.script("web", peer)));
        power.off();
        Instant off = Instant.now();
        power.on();

        cluster.eventually(
                "the pod runs again",
                Duration.ofMinutes(3),
                () -> shop.pods().list().getItems().stream()
                                .filter(pod -> Prober.startedAfter(pod, off))
                                .count()
                        == 2);
        installation.awaitReady();

        assertThat(Prober.bypass(shop.pods().withName("web").require())).isEmpty();
        assertThat(shop.answer("web", peer.node())).contains(Pods.PROXY);
        assertThat(pluginFiles()).containsExactly(COPY);
        installation.remove();
        assertThat(files.state()).isEqualTo(before);
    }

    /** The files that name the plugin. */
    private List<String> pluginFiles() {
        return names().stream().filter(name -> conf(name).contains("istio-cni")).toList();
    }

    private String baseFile() {
        return names().stream().filter(name -> !name.equals(COPY)).findFirst().orElseThrow();
    }

    private List<String> names() {
        return cluster.machine()
                .run("find", files.conf(), "-maxdepth", "1", "-name", "*.conf*", "-printf", "%f\\n")
                .lines()
                .sorted()
                .toList();
    }

    private String conf(String name) {
        return cluster.machine().run("cat", files.conf() + "/" + name);
    }

    private void write(String name, String text) {
        cluster.machine().run("sh", "-c", "printf %s \"$2\" >\"$1\"", "sh", files.conf() + "/" + name, text);
    }
}
