// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.meshcni.testkit.Slow;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code doctor --cluster} against an API server that says its version, shows an empty cluster, and forbids the rest.
 */
class DoctorClusterTest {
    @TempDir
    private Path directory;

    private PlainApiServer server;
    private String kubeconfig;

    @BeforeEach
    void start() throws IOException {
        server = PlainApiServer.start(DoctorClusterTest::answer);
        kubeconfig = server.kubeconfig(directory);
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
    }

    @Test
    void theReportHasALineForEachCheckWithItsVerdictAndRemedy() {
        Run run = Run.meshcni("doctor", "--cluster", "--kubeconfig=" + kubeconfig);

        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isZero();
        assertThat(run.out())
                .contains("API server\n  ok: http://127.0.0.1:", "answers, Kubernetes v1.33.1\n\nNodes\n")
                .contains("  unknown: container runtimes and CNI of the nodes: your account lacks list on nodes (403)\n"
                        + "    remedy: grant this permission: docs/rbac.md")
                .contains("Pods of the mesh\n  ok: no pod with a proxy found\n");
    }

    @Test
    void statusFitsOneScreenAndSaysWhatIsUnknown() throws IOException {
        Run run = Run.meshcni("status", "--kubeconfig=" + kubeconfig);

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.out())
                .contains("DaemonSet:  istio-cni-node not found", "Mesh pods:  0")
                .contains("unknown nodes: your account lacks list on nodes (403)")
                .endsWith("Not ready. For causes and remedies: meshcni doctor --cluster\n");

        JsonNode json = new ObjectMapper()
                .readTree(Run.meshcni("status", "-o", "json", "--kubeconfig=" + kubeconfig)
                        .out());
        assertThat(json.path("ready").asBoolean(true)).isFalse();
        assertThat(json.path("problems")).isNotEmpty();
    }

    @Test
    void statusNamesTheNamespaceThatItHasSearched() {
        Run run = Run.meshcni("status", "-n", "mesh", "--kubeconfig=" + kubeconfig);

        assertThat(run.out()).contains("DaemonSet:  istio-cni-node not found in namespace mesh\n");
    }

    @Test
    @Slow
    void waitingForAClusterThatDoesNotGetReadyEnds() {
        Run run = Run.meshcni("status", "--wait", "--timeout-seconds=3", "--kubeconfig=" + kubeconfig);

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).isEqualTo("waiting: DaemonSet istio-cni-node not found\n");
        assertThat(run.out()).contains("Not ready.");
    }

    @Test
    void jsonHoldsTheSame() throws IOException {
        Run run = Run.meshcni("doctor", "--cluster", "--kubeconfig=" + kubeconfig, "--output=json");

        JsonNode report = new ObjectMapper().readTree(run.out());
        assertThat(report.path("ok").asBoolean()).isTrue();
        assertThat(report.path("checks")
                        .valueStream()
                        .map(check -> check.path("subject").asText() + " "
                                + check.path("verdict").asText()))
                .contains("API server ok", "Nodes unknown", "Pods of the mesh ok");
    }

    @Test
    void aServerThatIsNotThereIsAnError() throws IOException {
        server.close();

        Run run = Run.meshcni("doctor", "--cluster", "--kubeconfig=" + kubeconfig, "--request-timeout-seconds=2");

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.out())
                .contains("error: http://127.0.0.1:", "cannot connect to the API server")
                .doesNotContain("Nodes");
    }

    @Test
    void anUnknownContextIsAnErrorWithoutAReport() {
        Run run = Run.meshcni("doctor", "--cluster", "--kubeconfig=" + kubeconfig, "--context=prod");

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.out()).isEmpty();
        assertThat(run.err())
                .startsWith("meshcni doctor: kubeconfig " + kubeconfig
                        + " has no context \"prod\"; available contexts: [test]");
    }

    @Test
    void aTimeLimitThatIsNoneIsAnError() {
        Run run = Run.meshcni("doctor", "--cluster", "--kubeconfig=" + kubeconfig, "--request-timeout-seconds=0");

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains("--request-timeout-seconds must be at least 1, not 0");
    }

    @Test
    void anOptionForAClusterWithoutClusterIsAUsageError() {
        Run run = Run.meshcni("doctor", "--kubeconfig=" + kubeconfig);

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("--cluster");
    }

    private static PlainApiServer.Answer answer(String path) {
        return switch (path) {
            case "/version" ->
                PlainApiServer.Answer.ok("{\"major\": \"1\", \"minor\": \"33\", \"gitVersion\": \"v1.33.1\"}");
            case "/api/v1/pods" ->
                PlainApiServer.Answer.ok(
                        "{\"kind\": \"PodList\", \"apiVersion\": \"v1\", \"metadata\": {}, \"items\": []}");
            default -> PlainApiServer.Answer.refused(403, "Forbidden");
        };
    }
}
