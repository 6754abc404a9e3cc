// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ExplainCommandTest {
    @TempDir
    Path directory;

    @Test
    void aConnectionOfTheApplicationGoesToTheProxy() throws IOException {
        Run run = explain(Manifests.injected("web"), "--connect", "tcp:10.0.0.1:443");

        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).contains("user 1000").contains("port 15001").contains("ISTIO_OUTPUT");
    }

    @Test
    void aConnectionOfTheProxyGoesOut() throws IOException {
        Run run = explain(Manifests.injected("web"), "--connect", "tcp:10.0.0.1:443", "--uid", "1337");

        assertThat(run.out()).contains("not redirected").contains("traffic of the proxy is never redirected to itself");
    }

    @Test
    void theAnnotationBehindTheRuleIsNamed() throws IOException {
        String pod = Manifests.withAnnotation("db", "traffic.sidecar.istio.io/excludeOutboundPorts", "5432");

        Run run = explain(pod, "--connect", "tcp:10.0.0.1:5432");

        assertThat(run.out())
                .contains("not redirected")
                .contains("annotation traffic.sidecar.istio.io/excludeOutboundPorts");
    }

    @Test
    void aConnectionFromOutsideGoesToTheProxy() throws IOException {
        Run run = explain(Manifests.injected("web"), "--accept", "tcp:8080");

        assertThat(run.out()).contains("port 15006").contains("ISTIO_INBOUND");
    }

    @Test
    void theCallerCanBeChosen() throws IOException {
        Run run = explain(Manifests.injected("web"), "--accept", "tcp:8080", "--source", "10.1.2.3");

        assertThat(run.out()).contains("from 10.1.2.3");
    }

    @Test
    void anInterfaceCanBeExcluded() throws IOException {
        String pod = Manifests.withAnnotation("web", "traffic.sidecar.istio.io/excludeInterfaces", "net1");

        Run run = explain(pod, "--accept", "tcp:8080", "--from-interface", "net1");

        assertThat(run.out()).contains("not redirected").contains("excludeInterfaces");
    }

    @Test
    void trafficOfAFamilyThatTheProxyDoesNotListenOnIsToldSo() throws IOException {
        Run run = explain(Manifests.injected("web"), "--connect", "tcp:[fd00::1]:443");

        assertThat(run.out()).contains("not redirected").contains("--ip-families ipv4,ipv6");
    }

    @Test
    void theFamiliesFollowFromThePodsAddresses() throws IOException {
        Run run = explain(Manifests.injected("web"), "--connect", "tcp:[fd00::1]:443", "--pod-ip", "fd00::2");

        assertThat(run.out()).contains("from fd00::2").contains("port 15001");
    }

    @Test
    void aPodThatIsNotRedirectedHasItsReasonTold() throws IOException {
        Run run = explain(Manifests.plain("job"), "--connect", "tcp:10.0.0.1:443");

        assertThat(run.exitCode()).isZero();
        assertThat(run.out())
                .contains("Traffic of shop/job is not redirected: the pod has no container named istio-proxy");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "--connect tcp:10.0.0.1:443 --accept tcp:80",
                "--connect tcp:example.com:443",
                "--connect tcp:10.0.0.1:443 --source 10.0.0.2",
                "--connect tcp:10.0.0.1:443 --uid root",
                "--accept tcp:80 --uid 1000",
                "--accept tcp:80 --source 127.0.0.1",
                "--accept 80"
            })
    void whatMakesNoSenseIsAUsageError(String options) throws IOException {
        Run run = explain(Manifests.injected("web"), options.isEmpty() ? new String[0] : options.split(" ", -1));

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).contains("meshcni explain --help");
    }

    private Run explain(String manifest, String... options) throws IOException {
        Path pod = Files.writeString(directory.resolve("pod.yaml"), manifest);
        List<String> arguments = new ArrayList<>(List.of("explain", "--pod", pod.toString()));
        arguments.addAll(List.of(options));
        return Run.meshcni(arguments.toArray(String[]::new));
    }
}
