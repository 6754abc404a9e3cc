// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.it.AdapterJar;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A jar with a chain adapter gets into the DaemonSet by a ConfigMap, with the file of the page about adapters. */
@InCluster
class AdapterInDaemonSetTest {
    private static final Path PAGE = Path.of("../docs/adapters/writing-one.md");
    private static final Pattern FILE = Pattern.compile("`adapters.yaml`:\n\n```yaml\n(.*?)```", Pattern.DOTALL);
    private static final String CONFIG_MAP = "mesh-cni-adapters";

    private final Cluster cluster;
    private final Installation installation;

    AdapterInDaemonSetTest(Cluster cluster) {
        this.cluster = cluster;
        this.installation = cluster.installation();
    }

    @Test
    void isLoadedFromAConfigMap(@TempDir Path directory) throws IOException {
        Matcher file = FILE.matcher(Files.readString(PAGE));
        assertThat(file.find()).isTrue();
        Path adapters = Files.writeString(directory.resolve("adapters.yaml"), file.group(1));
        installation.createNamespace();
        String namespace = "--namespace=" + Installation.NAMESPACE;
        Cluster.kubectl("", "delete", "configmap", CONFIG_MAP, namespace, "--ignore-not-found");
        Cluster.kubectl(
                "",
                "create",
                "configmap",
                CONFIG_MAP,
                namespace,
                "--from-file=" + AdapterJar.in(directory) + "/weave.jar");

        installation.ensure(
                Cluster.meshcni("manifest", "-f", adapters.toString()).run());

        String doctor = Cluster.kubectl(
                "",
                "exec",
                namespace,
                installation.daemon().getMetadata().getName(),
                "--",
                "meshcni",
                "doctor",
                "--chain-adapter-dir",
                "/adapters");
        assertThat(doctor).containsPattern("weave.*weave\\.jar");
        try (TestNamespace shop = TestNamespace.create(cluster, "adapter")) {
            Peer peer = Peer.start(shop);
            shop.start(Pods.injected("web", Pods.IDLE));
            assertThat(peer.answerTo("web")).isEqualTo(Pods.PROXY);
        }
    }
}
