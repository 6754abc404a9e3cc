// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.it.Command;
import dev.meshcni.it.Dist;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.ServiceBuilder;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Pods in a mesh of Istio's control plane and its ztunnel, which join it and leave it through mesh-cni. */
@InCluster
class AmbientMeshTest extends AmbientFixture {
    private static final String STRICT = """
            {apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: default}, spec: {mtls: {mode: STRICT}}}
            """;

    /** The cause has two forms: a daemon that was restarted meanwhile has never heard of one. */
    private static final Pattern NO_ZTUNNEL = Pattern.compile("no ztunnel (is|has) connected");

    AmbientMeshTest(Cluster cluster) {
        super(cluster);
    }

    @BeforeEach
    void start() {
        open("ambient");
    }

    @Test
    void podsOfALabelledNamespaceSpeakHboneWithTheirIdentitiesByEachFamily() {
        label();
        Pod server = startBoth();
        mesh.awaitMember(shop, CLIENT, SERVER);

        for (String address : addresses(server)) {
            assertThat(shop.page(CLIENT, address)).as(address).contains(Pods.WORLD);
            awaitTunnel(address, 1);
        }

        assertThat(logOf(SERVER))
                .as("the server sees the client's own addresses")
                .contains(addresses(shop.pods().withName(CLIENT).require()));
        assertThat(verify(SERVER)).contains("matches");
        Command.Result doctor = Cluster.meshcni("doctor", "--cluster").result();
        assertThat(doctor.succeeded()).as(doctor.out() + doctor.err()).isTrue();
    }

    @Test
    void aStrictPeerRefusesPlainTextAndIsProbedByTheKubelet() {
        label();
        Cluster.kubectl(STRICT, "apply", "--namespace=" + shop.name(), "--filename=-");
        Pod server = startBoth();
        mesh.awaitMember(shop, CLIENT, SERVER);
        try (TestNamespace world = TestNamespace.create(cluster, "world")) {
            world.start(Pods.plain("stranger", Pods.IDLE));
            for (String address : addresses(server)) {
                cluster.eventually(
                        "istiod has told ztunnel of the policy",
                        () -> world.page("stranger", address).isEmpty());
                assertThat(shop.page(CLIENT, address)).as(address).contains(Pods.WORLD);
            }
        }

        // Those of the kubelet are the only connections in plain text that may get through.
        long probes = probes();
        cluster.eventually("the kubelet's probes are answered", () -> probes() > probes + 3);
        assertThat(shop.pods().withName(SERVER).isReady()).isTrue();
        // A pod that starts is ready only when it was probed.
        shop.createAccount("later");
        shop.start(Pods.serving("later"));
    }

    @Test
    void namesOfServicesAreAnsweredByZtunnel() {
        label();
        startBoth();
        shop.create(new ServiceBuilder()
                .withNewMetadata()
                .withName("web")
                .endMetadata()
                .withNewSpec()
                .withSelector(Map.of("app", SERVER))
                .addNewPort()
                .withPort(Peer.PORT)
                .endPort()
                .endSpec()
                .build());
        shop.pods()
                .withName(SERVER)
                .edit(pod -> pod.edit()
                        .editMetadata()
                        .addToLabels("app", SERVER)
                        .endMetadata()
                        .build());
        mesh.awaitMember(shop, CLIENT, SERVER);

        cluster.eventually(
                "the name is known, in a cluster without a DNS server",
                () -> shop.page(CLIENT, "web." + shop.name() + ".svc.cluster.local")
                        .filter(Pods.WORLD::equals)
                        .isPresent());
    }

    @Test
    void runningPodsJoinAndLeaveWithTheLabelOfTheirNamespace() {
        String address = addresses(startBoth()).getFirst();
        assertThat(shop.page(CLIENT, address)).contains(Pods.WORLD);
        assertThat(tunnels(address)).isZero();

        label();
        mesh.awaitMember(shop, CLIENT, SERVER);
        cluster.eventually("the client speaks HBONE", () -> {
            assertThat(shop.page(CLIENT, address)).contains(Pods.WORLD);
            return tunnels(address) > 0;
        });

        shop.label(AmbientMesh.MODE, "");
        mesh.awaitNoMember(shop, CLIENT, SERVER);
        assertNoRules(CLIENT);
        assertNoRules(SERVER);
        long before = tunnels(address);
        assertThat(shop.page(CLIENT, address)).contains(Pods.WORLD);
        assertThat(shop.page(CLIENT, address)).contains(Pods.WORLD);
        assertThat(tunnels(address)).isEqualTo(before);
    }

    @Test
    void podsWithASidecarStayWithItUntilTheyAreReplaced() {
        Peer peer = Peer.start(shop);
        shop.start(Pods.injected("web", Pods.IDLE));
        label();
        Pod server = startBoth();
        mesh.awaitMember(shop, CLIENT, SERVER, "peer");
        shop.start(Pods.injected("later", Pods.IDLE));

        for (String pod : List.of("web", "later")) {
            assertThat(peer.answerTo(pod)).isEqualTo(Pods.PROXY);
            assertThat(AmbientMesh.redirection(shop.pods().withName(pod).require()))
                    .isEmpty();
        }
        assertThat(peer.answerTo(
                        CLIENT, addresses(shop.pods().withName("web").require()).getFirst()))
                .as("a pod of the mesh reaches one with a sidecar")
                .isEqualTo(Pods.INBOUND);

        shop.pods().withName("web").withGracePeriod(0).delete();
        cluster.eventually("the pod is gone", () -> shop.pods().withName("web").get() == null);
        shop.createAccount("web");
        shop.start(Pods.serving("web"));
        mesh.awaitMember(shop, "web");
        assertThat(shop.page("web", addresses(server).getFirst())).contains(Pods.WORLD);
        cluster.eventually(
                "its successor speaks HBONE",
                () -> mesh.tunnels(shop, "web", SERVER, addresses(server).getFirst()) > 0);
    }

    @Test
    void withoutZtunnelAPodOfTheMeshWaitsAndItsEventsAndTheDoctorSayForWhat() {
        mesh.takeAway();
        try {
            label();
            shop.create(Pods.serving(SERVER));
            cluster.eventually(
                    "the pod's event names the cause",
                    () -> shop.eventsOf(SERVER).stream()
                            .anyMatch(event -> event.startsWith("FailedCreatePodSandBox")
                                    && NO_ZTUNNEL.matcher(event).find()));
            try (TestNamespace world = TestNamespace.create(cluster, "world")) {
                world.start(Pods.plain("web", Pods.IDLE));
            }
            assertThat(Cluster.meshcni("doctor", "--cluster").result().out())
                    .containsPattern("warning: node \\S+: no pod can join the ambient mesh: " + NO_ZTUNNEL);
        } finally {
            mesh.bringBack();
        }

        shop.awaitRunning(SERVER);
        mesh.awaitMember(shop, SERVER);
    }

    @Test
    void anUninstallationTakesPodsOutOfTheMeshAndLeavesNoTrace() {
        installation.remove();
        String manifest = Installation.manifest(AmbientMesh.SETTINGS);
        NodeFiles files = NodeFiles.of(cluster, manifest);
        List<String> before = files.state();
        List<String> runBefore = files.runFiles();
        installation.ensure(manifest);
        mesh.awaitReady();
        label();
        String address = addresses(startBoth()).getFirst();
        mesh.awaitMember(shop, CLIENT, SERVER);
        assertThat(shop.page(CLIENT, address)).contains(Pods.WORLD);
        awaitTunnel(address, 1);

        installation.removeDaemonFirst();

        mesh.awaitNoMember(shop, CLIENT, SERVER);
        assertNoRules(CLIENT);
        assertNoRules(SERVER);
        assertThat(shop.page(CLIENT, address)).contains(Pods.WORLD);
        assertThat(tunnels(address)).isEqualTo(1);
        assertThat(shop.pods().withName(SERVER).isReady()).isTrue();
        assertThat(files.state()).isEqualTo(before);
        assertThat(files.runFiles()).isEqualTo(runBefore);
        assertThat(cluster.machine().run("nft", "list", "tables")).doesNotContain("istio-host-probes");
    }

    private Pod startBoth() {
        Pod server = shop.start(Pods.serving(SERVER));
        shop.start(Pods.calling(CLIENT, Pods.IDLE));
        return server;
    }

    private long tunnels(String address) {
        return mesh.tunnels(shop, CLIENT, SERVER, address);
    }

    private void awaitTunnel(String address, long count) {
        cluster.eventually("ztunnel has carried it to " + address, () -> tunnels(address) == count);
    }

    private void assertNoRules(String pod) {
        PodNetwork network = new PodNetwork(shop, pod);
        for (String save : List.of("iptables-save", "ip6tables-save")) {
            assertThat(network.run(save)).doesNotContain("ISTIO");
        }
    }

    private String verify(String pod) {
        return cluster.machine().run(Dist.program("meshcni").toString(), "verify", pod, "--namespace=" + shop.name());
    }

    private String logOf(String pod) {
        return shop.pods().withName(pod).getLog();
    }

    /** How many requests of the kubelet the server has had. */
    private long probes() {
        return logOf(SERVER)
                .lines()
                .filter(line -> line.startsWith("[::ffff:169.254.7.127]"))
                .filter(line -> line.endsWith("url:/"))
                .count();
    }
}
