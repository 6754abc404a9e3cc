// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.conf.Finding;
import dev.meshcni.config.ProductVersion;
import dev.meshcni.telemetry.AgentStatus;
import dev.meshcni.testkit.TestNode;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the daemon says of its node at {@code /status}. */
class NodeStatusTest {
    private static final Optional<String> READY = Optional.empty();

    @TempDir
    private Path root;

    @Test
    void aNodeSaysItsBaseCniWhichAdapterAnswersAndWhere() throws Exception {
        TestNode node = TestNode.in(root);
        node.conf("10-calico.conflist", """
                {"cniVersion": "0.3.1", "name": "k8s-pod-network", "plugins": [
                  {"type": "calico", "datastore_type": "kubernetes", "ipam": {"type": "calico-ipam"}}]}""");
        NodeStatus status = status(READY);
        status.installedBy(NodeInstaller.of(node));

        AgentStatus asked = ask(status);

        assertThat(asked.version()).isEqualTo(ProductVersion.text());
        assertThat(asked.backend()).isEqualTo("iptables-nft 1.8.9");
        assertThat(asked.pods()).isEqualTo(17);
        AgentStatus.Installation installation = asked.installation().orElseThrow();
        assertThat(installation.baseCni()).isEqualTo("calico");
        assertThat(installation.adapter()).isEqualTo("calico");
        assertThat(installation.file()).isEqualTo("10-calico.conflist");
        assertThat(installation.chained()).isTrue();
        assertThat(installation.confDir()).isEqualTo(node.confDir().toString());
    }

    @Test
    void aNodeThatIsNotReadySaysWhy() {
        assertThat(ask(status(Optional.of("waiting for the base CNI"))).notReady())
                .contains("waiting for the base CNI");
    }

    @Test
    void aDaemonThatInstallsNothingHasNoInstallation() {
        assertThat(ask(status(READY)).installation()).isEmpty();
    }

    @Test
    void aNodeWithoutABaseCniHasNone() throws Exception {
        NodeStatus status = status(READY);
        status.installedBy(NodeInstaller.of(TestNode.in(root)));

        assertThat(ask(status).installation().orElseThrow().baseCni()).isEmpty();
    }

    @Test
    void aDirectoryThatCannotBeReadIsAFinding() throws Exception {
        TestNode node = TestNode.in(root);
        Files.delete(node.confDir());
        Files.writeString(node.confDir(), "a file in place of the directory");
        NodeStatus status = status(READY);
        status.installedBy(NodeInstaller.of(node));

        assertThat(ask(status).findings()).singleElement().satisfies(finding -> {
            assertThat(finding.severity()).isEqualTo(Finding.Severity.ERROR);
            assertThat(finding.what()).startsWith(node.confDir() + " cannot be read");
        });
    }

    @Test
    void aFormerDirectoryWithTheEntryIsAFinding() throws Exception {
        TestNode node = TestNode.in(root);
        Path former = Files.createDirectories(root.resolve("former"));
        Files.writeString(former.resolve("10-base.conflist"), """
            {"cniVersion": "1.0.0", "name": "pods", "plugins": [{"type": "ptp"}, {"type": "istio-cni"}]}
            """);
        Path record =
                Files.createDirectories(node.binDir().resolve(".mesh-cni")).resolve("conf-dirs.json");
        Files.writeString(record, "{\"version\": 1, \"confDirs\": [\"" + former + "\"]}");
        NodeStatus status = status(READY);
        status.installedBy(NodeInstaller.of(node));

        assertThat(ask(status).findings())
                .singleElement()
                .satisfies(finding ->
                        assertThat(finding.what()).contains(former + " still calls istio-cni: 10-base.conflist"));
    }

    @Test
    void whatIsSaidTravelsWhole() {
        AgentStatus said = new AgentStatus(
                "0.1.0",
                Optional.of("a reason"),
                "nftables",
                1,
                Optional.of(new AgentStatus.Installation("ptp", "ptp", "10-a.conflist", false, "/conf", "/bin")),
                List.of(Finding.info("good to know", "look"), Finding.error("bad", "mend it")));

        assertThat(AgentStatus.parse(said.json())).isEqualTo(said);
    }

    @Test
    void whatIsSaidIsBoundedAndOfOneLine() {
        Finding longest = Finding.warning("\u001b[31m\n".repeat(10_000), "x".repeat(10_000));
        AgentStatus said = new AgentStatus(
                "0.1.0", Optional.of("y".repeat(10_000)), "", 0, Optional.empty(), Collections.nCopies(1000, longest));

        assertThat(said.json()).hasSizeLessThan(20_000).doesNotContain("\n").doesNotContain("\u001b");
    }

    @Test
    void aLaterVersionMaySayMore() {
        AgentStatus status = AgentStatus.parse("""
                {"version": "9.0.0", "ready": true, "colour": "red", "findings": [{"severity": "fatal", "what": "x"}]}""");

        assertThat(status.version()).isEqualTo("9.0.0");
        assertThat(status.notReady()).isEmpty();
        assertThat(status.findings()).isEmpty();
    }

    private static NodeStatus status(Optional<String> notReady) {
        return new NodeStatus(() -> notReady, "iptables-nft 1.8.9", () -> 17);
    }

    private static AgentStatus ask(NodeStatus status) {
        try (HealthServer server = HealthServer.start(0, Optional::empty, status, _ -> {});
                HttpClient client = HttpClient.newHttpClient()) {
            HttpRequest request = HttpRequest.newBuilder(
                            URI.create("http://127.0.0.1:" + server.port() + AgentStatus.PATH))
                    .build();
            HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
            assertThat(response.statusCode()).isEqualTo(200);
            assertThat(response.headers().firstValue("Content-Type")).contains("application/json");
            return AgentStatus.parse(response.body());
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }
}
