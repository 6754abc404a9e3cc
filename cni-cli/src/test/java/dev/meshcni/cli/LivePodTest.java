// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands about a pod that they read from an API server, which has the pod shop/web alone. */
class LivePodTest {
    private static final String POD = """
            {"apiVersion": "v1", "kind": "Pod",
             "metadata": {"name": "web", "namespace": "shop", "uid": "7d1c2f9a-0000-4000-8000-000000000001",
               "annotations": {"sidecar.istio.io/status": "{}",
                               "traffic.sidecar.istio.io/excludeOutboundPort": "5432"}},
             "spec": {"containers": [{"name": "app"}, {"name": "istio-proxy", "args": ["proxy", "sidecar"]}]},
             "status": {"podIPs": [{"ip": "10.1.2.3"}, {"ip": "fd00::3"}]}}
            """;

    @TempDir
    private Path directory;

    private PlainApiServer server;
    private String kubeconfig;

    @BeforeEach
    void start() throws IOException {
        server = PlainApiServer.start(LivePodTest::answer);
        kubeconfig = server.kubeconfig(directory);
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
    }

    @Test
    void rulesAreForTheFamiliesThatThePodHas() {
        Run run = Run.meshcni("rules", "web", "--kubeconfig", kubeconfig);

        assertThat(run.exitCode()).isZero();
        assertThat(run.out().lines().filter(line -> line.startsWith("#"))).contains("# ipv4");
    }

    @Test
    void kubectlsFormsOfItsNameAreTaken() {
        String rules = Run.meshcni("rules", "web", "--kubeconfig", kubeconfig).out();

        for (String name : new String[] {"shop/web", "pod/web", "pods/web"}) {
            assertThat(Run.meshcni("rules", name, "--kubeconfig", kubeconfig).out())
                    .as(name)
                    .isEqualTo(rules);
        }
        assertThat(Run.meshcni("rules", "web", "-n", "other", "--kubeconfig", kubeconfig)
                        .err())
                .contains("no pod other/web in the cluster at http://127.0.0.1:");
    }

    @Test
    void aRightThatIsMissingIsNamed() {
        assertThat(Run.meshcni("rules", "web", "-n", "secret", "--kubeconfig", kubeconfig)
                        .err())
                .contains("cannot read pod secret/web from http://127.0.0.1:")
                .contains("your account lacks get on pods (403)");
    }

    @Test
    void aServerThatIsAwayIsAnErrorAtOnce() throws IOException {
        server.close();

        assertThat(Run.meshcni("rules", "web", "--kubeconfig", kubeconfig).err())
                .contains("cannot connect to the API server");
    }

    @Test
    void aMisspeltAnnotationIsAWarning() {
        Run run = Run.meshcni(
                "explain", "web", "-n", "shop", "--kubeconfig", kubeconfig, "--connect", "tcp:10.0.0.1:5432");

        assertThat(run.exitCode()).isZero();
        assertThat(run.err())
                .isEqualTo("warning: pod shop/web: annotation \"traffic.sidecar.istio.io/excludeOutboundPort\" has no"
                        + " effect, did you mean traffic.sidecar.istio.io/excludeOutboundPorts?\n");
        assertThat(run.out()).contains("15001");
    }

    @Test
    @NeedsRoot("reads the processes of the machine")
    void verifySaysWhereAPodWithoutAProcessHereIsToBeVerified() {
        Run run = Run.meshcni("verify", "web", "--kubeconfig", kubeconfig);

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains("shop/web", "run this on the pod's node as root, or there", "kubectl exec");
    }

    private static PlainApiServer.Answer answer(String path) {
        return switch (path) {
            case "/api/v1/namespaces/shop/pods/web" -> PlainApiServer.Answer.ok(POD);
            case "/api/v1/namespaces/secret/pods/web" -> PlainApiServer.Answer.refused(403, "Forbidden");
            default -> PlainApiServer.Answer.refused(404, "Not Found");
        };
    }
}
