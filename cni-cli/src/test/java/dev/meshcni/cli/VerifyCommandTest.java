// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VerifyCommandTest {
    private static final String[] LIKE_A_POD = {
        "iptables", "-b", "*", "-i", "*", "-d", "15020,15021,15090", "-o", "15020", "-u", "1337", "-g", "1337"
    };

    @TempDir
    Path directory;

    @NeedsRoot("makes network namespaces")
    @Test
    void aPodThatIsRedirectedAsItShouldBeHasNoDifference() throws IOException {
        try (PodNetns pod = PodNetns.create("10.9.0.2/24")) {
            pod.meshcni(LIKE_A_POD);

            Run run = verify(pod, Manifests.injected("web"));

            assertThat(run.out()).contains("shop/web").contains("its network namespace matches");
            assertThat(run.exitCode()).isZero();
        }
    }

    @NeedsRoot("makes network namespaces")
    @Test
    void aRuleThatIsMissingIsNamed() throws IOException {
        try (PodNetns pod = PodNetns.create("10.9.0.2/24")) {
            pod.meshcni(LIKE_A_POD);
            pod.exec("iptables", "-t", "nat", "-D", "PREROUTING", "-p", "tcp", "-j", "ISTIO_INBOUND");

            Run run = verify(pod, Manifests.injected("web"));

            assertThat(run.exitCode()).isEqualTo(1);
            assertThat(run.out()).contains("missing in ipv4 nat PREROUTING: -A PREROUTING -p tcp -j ISTIO_INBOUND");
        }
    }

    @NeedsRoot("makes network namespaces")
    @Test
    void differencesAreForProgramsToo() throws IOException {
        try (PodNetns pod = PodNetns.create("10.9.0.2/24")) {
            pod.meshcni(LIKE_A_POD);
            pod.exec("iptables", "-t", "nat", "-D", "PREROUTING", "-p", "tcp", "-j", "ISTIO_INBOUND");

            Run run = verify(pod, Manifests.injected("web"), "--format", "json");

            JsonNode difference =
                    new ObjectMapper().readTree(run.out()).path("differences").path(0);
            assertThat(difference.path("kind").asText()).isEqualTo("missing");
            assertThat(difference.path("place").asText()).isEqualTo("ipv4 nat PREROUTING");
        }
    }

    @NeedsRoot("makes network namespaces")
    @Test
    void aPodThatIsToBeLeftAloneMustNotHaveRules() throws IOException {
        try (PodNetns pod = PodNetns.create("10.9.0.2/24")) {
            assertThat(verify(pod, Manifests.plain("job")).exitCode()).isZero();
            pod.meshcni(LIKE_A_POD);

            Run run = verify(pod, Manifests.plain("job"));

            assertThat(run.exitCode()).isEqualTo(1);
            assertThat(run.out()).contains("should not be redirected").contains("unexpected in ipv4 nat");
        }
    }

    @Test
    void aNamespaceThatIsNotThereIsNamed() throws IOException {
        String missing = directory.resolve("no-netns").toString();
        Path manifest = Files.writeString(directory.resolve("pod.yaml"), Manifests.injected("web"));

        Run run = Run.meshcni("verify", "--netns", missing, "--pod", manifest.toString());

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains(missing);
    }

    private Run verify(PodNetns pod, String manifest, String... options) throws IOException {
        Path file = Files.writeString(directory.resolve("pod.yaml"), manifest);
        List<String> arguments =
                new ArrayList<>(List.of("verify", "--netns", pod.path().toString(), "--pod", file.toString()));
        arguments.addAll(List.of(options));
        return Run.meshcni(arguments.toArray(String[]::new));
    }
}
