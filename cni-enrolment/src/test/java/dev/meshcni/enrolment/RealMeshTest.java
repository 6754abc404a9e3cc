// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.enrolment;

import static dev.meshcni.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.netns.linux.IptablesBackend;
import dev.meshcni.netns.linux.NftBackend;
import dev.meshcni.redirect.AmbientMetadata;
import dev.meshcni.testkit.NeedsRoot;
import io.fabric8.kubernetes.api.model.Pod;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** Ambient mode with ztunnel itself: two pods of the mesh, one outside of it, and their node, on one bridge. */
@NeedsRoot("makes network namespaces, which ztunnel enters")
@Timeout(180)
@ParameterizedClass
@ValueSource(classes = {IptablesBackend.class, NftBackend.class})
class RealMeshTest {
    private static final Map<String, String> AMBIENT = Map.of(AmbientMetadata.MODE, "ambient");
    private static final String GATEWAY = "10.77.0.1";
    private static final List<String> GATEWAYS = List.of(GATEWAY, "fd77::1");
    private static final String CLIENT = "10.77.0.2";
    private static final String SERVER = "10.77.0.3";
    private static final String SERVER_V6 = "fd77::3";
    private static final String OUTSIDER = "10.77.0.4";
    private static final String THIRD = "10.77.0.7";
    private static final String VIP = "10.96.0.5";
    private static final String HBONE = "dst.addr=" + SERVER + ":15008";

    @TempDir
    private Path directory;

    @Parameter
    private Class<? extends RedirectBackend> backend;

    private MeshFixture mesh;
    private Path config;
    private RealZtunnel ztunnel;
    private Pod client;
    private Pod server;
    private TestPodNetns outsider;
    private TestApplication application;

    @BeforeEach
    void start() throws Exception {
        RealZtunnel.require();
        TestPodNetns host = TestPodNetns.bridgedHost(GATEWAYS);
        mesh = new MeshFixture(
                directory, AMBIENT, host, backend.getConstructor().newInstance());
        config = Files.writeString(directory.resolve("mesh.yaml"), """
                workloads:
                %s%s%spolicies: []
                services:
                - {name: server, namespace: shop, hostname: server.shop.svc.cluster.local, vips: ["/%s"], ports: {80: %d}}
                """.formatted(
                        workload("client", CLIENT, "fd77::2", "{}"),
                        workload("third", THIRD, "fd77::7", "{}"),
                        workload("server", SERVER, SERVER_V6, "{\"shop/server.shop.svc.cluster.local\": {80: 8080}}"),
                        VIP,
                        TestApplication.PORT));
        mesh.start();
        ztunnel = new RealZtunnel(directory, "ztunnel", mesh.socket(), config);
        eventually("ztunnel is there", () -> mesh.node().findings().isEmpty());
        client = mesh.create("client", TestPodNetns.on(host, GATEWAYS, CLIENT, "fd77::2"), Map.of());
        server = mesh.create("server", TestPodNetns.on(host, GATEWAYS, SERVER, SERVER_V6), Map.of());
        outsider = TestPodNetns.on(host, GATEWAYS, OUTSIDER, "fd77::4");
        application = new TestApplication(mesh.netns(server));
        for (Pod pod : new Pod[] {client, server}) {
            assertThat(mesh.add(pod)).isTrue();
            eventually("its status is shown", () -> mesh.status(pod).equals("enabled"));
            mesh.run(pod);
        }
    }

    @AfterEach
    void stop() throws Exception {
        if (mesh == null) {
            return;
        }
        if (application != null) {
            application.close();
        }
        if (ztunnel != null) {
            ztunnel.close();
        }
        if (outsider != null) {
            outsider.close();
        }
        mesh.close();
    }

    @Test
    void trafficBetweenPodsGoesThroughTheMeshInBothFamilies() throws Exception {
        assertThat(call(SERVER)).as("the client's own address").isEqualTo(CLIENT);
        eventuallyLogged(HBONE, "/ns/shop/sa/client", "/ns/shop/sa/server");
        assertThat(call(SERVER_V6)).startsWith("fd77:");
        eventuallyLogged("dst.addr=[" + SERVER_V6 + "]:15008");
        assertThat(TestApplication.call(mesh.netns(client), VIP, 80)).isEqualTo(CLIENT);
    }

    @Test
    void aPodReachesItselfDirectly() {
        assertThat(TestApplication.call(mesh.netns(server), SERVER, TestApplication.PORT))
                .isEqualTo(SERVER);
    }

    @Test
    void aPortThatIsTakenIsNamedAndThePodJoinsWhenItIsFree() throws Exception {
        Pod third = mesh.create("third", TestPodNetns.on(mesh.host, GATEWAYS, THIRD, "fd77::7"), Map.of());
        try (ServerSocket _ = mesh.netns(third).inside(() -> new ServerSocket(15_008))) {
            assertThatThrownBy(() -> mesh.add(third))
                    .hasMessageContaining("ztunnel cannot serve shop/third")
                    .hasMessageContaining("15008");
            assertThat(mesh.isRedirected(third)).isFalse();
            assertThat(mesh.isExempt(third)).isFalse();
        }
        assertThat(mesh.add(third)).isTrue();
        assertThat(TestApplication.call(mesh.netns(third), SERVER, TestApplication.PORT))
                .isEqualTo(THIRD);
    }

    /** Its rules need it, too. */
    @Test
    void theLoopbackInterfaceOfAPodThatIsMadeIsSetUp() throws Exception {
        Pod third = mesh.create("third", TestPodNetns.on(mesh.host, GATEWAYS, THIRD, "fd77::7"), Map.of());
        mesh.netns(third).exec("ip", "link", "set", "lo", "down");

        assertThat(mesh.add(third)).isTrue();

        assertThat(TestApplication.call(mesh.netns(third), SERVER, TestApplication.PORT))
                .isEqualTo(THIRD);
    }

    @Test
    void aPodThatRunsWithItsLoopbackInterfaceDownIsNamedAndJoinsWhenItIsUp() throws Exception {
        Pod third = mesh.create("third", TestPodNetns.on(mesh.host, GATEWAYS, THIRD, "fd77::7"), Map.of());
        mesh.netns(third).exec("ip", "link", "set", "lo", "down");

        mesh.run(third);
        eventually(
                "it is named",
                () -> mesh.node().findings().toString().contains("ztunnel cannot serve shop/third")
                        && mesh.node().findings().toString().contains("15053"));
        assertThat(mesh.isRedirected(third)).isFalse();

        mesh.netns(third).exec("ip", "link", "set", "lo", "up");
        eventually("it joins", () -> mesh.status(third).equals("enabled"));
        assertThat(TestApplication.call(mesh.netns(third), SERVER, TestApplication.PORT))
                .isEqualTo(THIRD);
    }

    @Test
    void whoIsOutsideReachesAPodInPlainText() throws Exception {
        assertThat(TestApplication.call(outsider, SERVER, TestApplication.PORT)).isEqualTo(OUTSIDER);
        eventuallyLogged("src.addr=" + OUTSIDER);
    }

    @Test
    void probesOfTheNodeReachTheApplicationAndNobodyElse() throws Exception {
        assertThat(TestApplication.call(mesh.host, SERVER, TestApplication.PORT))
                .isEqualTo("169.254.7.127");
        assertThat(TestApplication.call(mesh.host, SERVER_V6, TestApplication.PORT))
                .startsWith("fd16:9254:7127:1337:");
        assertThat(TestApplication.call(outsider, SERVER, TestApplication.PORT)).isEqualTo(OUTSIDER);
        eventuallyLogged("src.addr=" + OUTSIDER);
        assertThat(ztunnel.log()).doesNotContain("169.254.7.127").doesNotContain("src.addr=" + GATEWAY);
    }

    @Test
    void dnsQueriesAreAnsweredByZtunnelWhateverResolverIsAsked() {
        assertThat(TestApplication.resolve(mesh.netns(client), GATEWAY, "server.shop.svc.cluster.local"))
                .isEqualTo(VIP);
    }

    @Test
    void theAgentsRestartFailsNoConnection() throws Exception {
        try (TestApplication.Load load = load()) {
            for (int i = 0; i < 3; i++) {
                int before = load.calls();
                mesh.stop();
                eventually("calls go on", () -> load.calls() > before + 20);
                mesh.start();
                eventually(
                        "ztunnel is there again", () -> mesh.node().findings().isEmpty());
            }
            assertThat(load.failures()).isZero();
        }
        assertThat(mesh.status(client)).isEqualTo("enabled");
    }

    @Test
    void anUpgradeOfZtunnelFailsNoConnection() throws Exception {
        try (TestApplication.Load load = load();
                RealZtunnel next = new RealZtunnel(directory, "next", mesh.socket(), config)) {
            eventually("both are connected", () -> mesh.node().numbers().ztunnels() == 2);
            eventually(
                    "the new one serves all pods",
                    () -> mesh.node().numbers().pending() == 0
                            && mesh.node().findings().isEmpty());
            int before = load.calls();
            ztunnel.drain();
            eventually("the old one has gone", () -> mesh.node().numbers().ztunnels() == 1);
            eventually("calls go on", () -> load.calls() > before + 100);
            assertThat(load.failures()).isZero();
            eventually("it was the new one that carried them", () -> next.log().contains(HBONE));
        }
    }

    @Test
    void aPodThatLeavesTalksInPlainTextAndOneThatComesBackDoesNot() throws Exception {
        mesh.label(Map.of());
        eventually(
                "both have left",
                () -> mesh.status(client).isEmpty()
                        && mesh.status(server).isEmpty()
                        && !mesh.isRedirected(client)
                        && !mesh.isRedirected(server));
        assertThat(call(SERVER)).isEqualTo(CLIENT);
        assertThat(ztunnel.log()).as("nothing was carried").doesNotContain(HBONE);

        mesh.label(AMBIENT);
        eventually(
                "both are back",
                () -> mesh.status(client).equals("enabled")
                        && mesh.status(server).equals("enabled"));
        assertThat(call(SERVER)).isEqualTo(CLIENT);
        eventuallyLogged(HBONE);
    }

    @Test
    void uninstallationLeavesPodsThatTalkInPlainText() {
        try (TestApplication.Load load = load()) {
            assertThat(mesh.node().uninstall(Duration.ofSeconds(10))).isEmpty();
            ztunnel.kill();

            assertThat(call(SERVER)).isEqualTo(CLIENT);
            assertThat(TestApplication.call(mesh.host, SERVER, TestApplication.PORT))
                    .isEqualTo(GATEWAY);
            assertThat(load.calls()).isPositive();
        }
    }

    @Test
    void withoutZtunnelPodsAreCutOffAndProbesWork() throws Exception {
        ztunnel.kill();
        eventually("it has gone", () -> mesh.node().numbers().ztunnels() == 0);

        assertThatThrownBy(() -> call(SERVER)).hasMessageContaining("refused");
        assertThat(TestApplication.call(mesh.host, SERVER, TestApplication.PORT))
                .isEqualTo("169.254.7.127");
        assertThat(mesh.node().findings()).asString().contains("no ztunnel is connected");
    }

    /** What it writes comes a moment later. */
    private void eventuallyLogged(String... texts) throws Exception {
        for (String text : texts) {
            eventually("ztunnel logs " + text, () -> ztunnel.log().contains(text));
        }
    }

    private String call(String address) {
        return TestApplication.call(mesh.netns(client), address, TestApplication.PORT);
    }

    private TestApplication.Load load() {
        return new TestApplication.Load(mesh.netns(client), SERVER, Duration.ofMillis(10));
    }

    private static String workload(String name, String ipv4, String ipv6, String services) throws IOException {
        return """
                - {uid: cluster1//v1/Pod/shop/%1$s, name: %1$s, namespace: shop, serviceAccount: %1$s,
                   workloadIps: ["%2$s", "%3$s"], protocol: HBONE, node: node-a, network: "", services: %4$s}
                """.formatted(name, ipv4, ipv6, services);
    }
}
