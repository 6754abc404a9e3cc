// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import com.marcnuri.helm.Helm;
import dev.meshcni.it.Command;
import dev.meshcni.it.Dist;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Installs what is shipped, as the documentation says, and takes it out again. */
@InCluster
class InstallationTest {
    private static final Path CHART =
            Path.of("../deploy/helm/istio-cni").toAbsolutePath().normalize();
    private static final String RELEASE = "mesh-cni";

    private final Cluster cluster;
    private final Installation installation;

    private TestNamespace shop;
    private Peer peer;

    InstallationTest(Cluster cluster) {
        this.cluster = cluster;
        this.installation = cluster.installation();
    }

    @BeforeEach
    void start() {
        installation.remove();
        shop = TestNamespace.create(cluster, "shop");
        peer = Peer.start(shop);
    }

    @AfterEach
    void end() {
        // A taint that a failed test leaves would fail all others.
        NodeTaints.remove(cluster);
        if (shop != null) {
            shop.close();
        }
    }

    @Test
    void manifestInstallsWhatRedirectsPodsOfTheMeshAndIsUninstalledWithoutATrace() {
        String manifest = Cluster.meshcni("manifest").run();
        NodeFiles files = NodeFiles.of(cluster, manifest);
        List<String> before = files.state();
        List<String> runBefore = files.runFiles();

        installation.apply(manifest);

        Command.Result status =
                Cluster.meshcni("status", "--wait", "--timeout-seconds", "90").result();
        assertThat(status.succeeded())
                .as(status.out() + status.err() + installation.log())
                .isTrue();
        shop.start(Pods.injected("web", "nc -ll -p 8080 -e echo app"));
        shop.start(Pods.plain("plain", Pods.IDLE));
        assertThat(peer.answerTo("web")).isEqualTo(Pods.PROXY);
        assertThat(peer.answerTo("plain")).isEqualTo(Pods.WORLD);
        assertThat(peer.answerTo(
                        "plain", shop.pods().withName("web").get().getStatus().getPodIP()))
                .isEqualTo(Pods.INBOUND);
        assertThat(peer.seen().names()).containsExactly("plain");
        Command.Result doctor = Cluster.meshcni("doctor", "--cluster").result();
        assertThat(doctor.succeeded()).as(doctor.out() + doctor.err()).isTrue();
        assertThat(Command.of("kubectl", "meshcni", "status")
                        .environment(Map.of("PATH", Dist.root().resolve("bin") + ":" + System.getenv("PATH")))
                        .run())
                .contains(cluster.node().getMetadata().getName());

        installation.remove();

        assertThat(files.state()).isEqualTo(before);
        assertThat(files.runFiles()).isEqualTo(runBefore);
        assertThat(peer.answerTo("web")).as("a pod keeps its redirection").isEqualTo(Pods.PROXY);
        shop.start(Pods.injected("later", Pods.IDLE));
        assertThat(peer.answerTo("later")).isEqualTo(Pods.WORLD);
    }

    @Test
    void podsOfExcludedNamespacesAreNotRedirected() {
        installation.ensure(Installation.manifest("{excludeNamespaces: [" + shop.name() + "]}"));

        shop.start(Pods.injected("web", Pods.IDLE));

        assertThat(peer.answerTo("web")).isEqualTo(Pods.WORLD);
    }

    @Test
    void withTheNodeTaintAnUninstallationLeavesNeitherFilesNorTheTaint() {
        String manifest = Installation.manifest("{nodeTaint: true}");
        NodeFiles files = NodeFiles.of(cluster, manifest);
        List<String> before = files.state();
        List<String> runBefore = files.runFiles();
        installation.ensure(manifest);
        // It may just be set as the daemon becomes ready.
        cluster.eventually("the node has no taint", () -> !NodeTaints.isNotReady(cluster));

        installation.remove();

        assertThat(files.state()).isEqualTo(before);
        assertThat(files.runFiles()).isEqualTo(runBefore);
        assertThat(cluster.node().getSpec().getTaints())
                .noneMatch(taint -> taint.getKey().startsWith("cni.istio.io/"));
        shop.start(Pods.injected("later", Pods.IDLE));
        assertThat(peer.answerTo("later")).isEqualTo(Pods.WORLD);
    }

    @Test
    void aChangedConfigurationDirectoryTakesTheEntryAlong() {
        String usual = Installation.manifest("{}");
        NodeFiles files = NodeFiles.of(cluster, usual);
        String directory = files.conf() + ".former";
        cluster.machine().run("cp", "--archive", files.conf(), directory);
        try {
            String former = Installation.manifest("{cniConfDir: " + directory + "}");
            NodeFiles formerFiles = NodeFiles.of(cluster, former);
            List<String> before = files.state();
            List<String> formerBefore = formerFiles.state();
            installation.ensure(former);
            assertThat(formerFiles.configurations()).contains("\"istio-cni\"");

            installation.ensure(usual);

            cluster.eventually(
                    "the entry has moved",
                    () -> !formerFiles.configurations().contains("\"istio-cni\"")
                            && files.configurations().contains("\"istio-cni\""));
            shop.start(Pods.injected("web", Pods.IDLE));
            assertThat(peer.answerTo("web")).isEqualTo(Pods.PROXY);
            installation.remove();
            assertThat(files.state()).isEqualTo(before);
            assertThat(formerFiles.state()).isEqualTo(formerBefore);
        } finally {
            cluster.machine().run("rm", "-r", directory);
        }
    }

    @Test
    void helmInstallsUpgradesAndUninstallsTheChart() {
        NodeFiles files = NodeFiles.of(cluster, Installation.manifest("{}"));
        List<String> before = files.state();
        List<String> runBefore = files.runFiles();
        Path kubeconfig = Path.of(Setting.KUBECONFIG.needed());
        installation.createNamespace();
        try {
            new Helm(CHART)
                    .install()
                    .withName(RELEASE)
                    .withNamespace(Installation.NAMESPACE)
                    .withKubeConfig(kubeconfig)
                    .call();
            installation.awaitReady();
            shop.start(Pods.injected("web", Pods.IDLE));
            assertThat(peer.answerTo("web")).isEqualTo(Pods.PROXY);
            String first = installation.daemon().getMetadata().getName();

            new Helm(CHART)
                    .upgrade()
                    .withName(RELEASE)
                    .withNamespace(Installation.NAMESPACE)
                    .withKubeConfig(kubeconfig)
                    .resetValues()
                    .set("cni.logLevel", "debug")
                    .call();
            installation.awaitReady();
            assertThat(installation.daemon().getMetadata().getName()).isNotEqualTo(first);
            shop.start(Pods.injected("later", Pods.IDLE));
            assertThat(peer.answerTo("later")).isEqualTo(Pods.PROXY);
        } finally {
            Helm.uninstall(RELEASE)
                    .withNamespace(Installation.NAMESPACE)
                    .withKubeConfig(kubeconfig)
                    .ignoreNotFound()
                    .call();
        }

        cluster.eventually("no daemon is left", () -> installation.daemons().isEmpty());
        assertThat(files.state()).isEqualTo(before);
        assertThat(files.runFiles()).isEqualTo(runBefore);
    }

    @Test
    void verifyOnTheNodeFindsWhatHasBeenChangedInAPod() {
        String program = Dist.program("meshcni").toString();
        Assumptions.assumeTrue(
                cluster.machine().result("test", "-x", program).succeeded(), "the node has no " + program);
        installation.ensure(Installation.manifest("{}"));
        shop.start(Pods.injected("web", Pods.IDLE));
        String[] verify = {program, "verify", "web", "--namespace=" + shop.name()};
        assertThat(cluster.machine().run(verify)).contains("matches");

        new PodNetwork(shop, "web").run("iptables", "-t", "nat", "-F", "ISTIO_OUTPUT");

        Command.Result changed = cluster.machine().result(verify);
        assertThat(changed.exitCode()).isEqualTo(1);
        assertThat(changed.out()).contains("ISTIO_OUTPUT");
    }
}
