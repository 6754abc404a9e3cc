// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.meshcni.iptables.PlanFormat;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class RulesCommandTest {
    @TempDir
    Path directory;

    @Test
    void theRulesOfAPodAreInputForIptablesRestore() throws IOException {
        Run run = Run.meshcni("rules", "--pod", file(Manifests.injected("web")));

        assertThat(run.exitCode()).isZero();
        assertThat(run.out().lines())
                .startsWith("# ipv4", "*nat")
                .contains("-A OUTPUT -j ISTIO_OUTPUT", "-A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports 15006")
                .endsWith("COMMIT")
                .noneMatch("# ipv6"::equals);
        assertThat(run.err()).isEmpty();
    }

    @Test
    void theRulesCanBeInputForNft() throws IOException {
        Run run = Run.meshcni("rules", "--pod", file(Manifests.injected("web")), "--format", "nft");

        assertThat(run.out()).startsWith("# ipv4\nadd table ip ").contains("redirect to :15001");
    }

    @Test
    void bothFamiliesAreShownWhenTheyAreAskedFor() throws IOException {
        String pod = file(Manifests.injected("web"));

        Run run = Run.meshcni("rules", "--pod", pod, "--ip-families", "ipv4,ipv6");

        assertThat(run.out().lines().filter(line -> line.startsWith("#"))).containsExactly("# ipv4", "# ipv6");
    }

    @Test
    void aDualStackProxyGetsBothFamiliesUnasked() throws IOException {
        String pod = file(Manifests.withProxyEnv("web", "ISTIO_DUAL_STACK", "true"));

        Run run = Run.meshcni("rules", "--pod", pod);

        assertThat(run.out().lines().filter(line -> line.startsWith("#"))).containsExactly("# ipv4", "# ipv6");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "ipv5", "ipv4;ipv6", "ipv4,"})
    void familiesThatThereAreNotAreAUsageError(String families) throws IOException {
        Run run = Run.meshcni("rules", "--pod", file(Manifests.injected("web")), "--ip-families", families);

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("ipv4, ipv6 or ipv4,ipv6");
    }

    @Test
    void theJsonNamesThePodAndTheDecision() throws IOException {
        Run run = Run.meshcni("rules", "--pod", file(Manifests.injected("web")), "--format", "json");

        JsonNode json = json(run.out());
        assertThat(json.path("pod").asText()).isEqualTo("shop/web");
        assertThat(json.path("decision").asText()).isEqualTo("redirect");
        assertThat(json.path("ruleSets").path(0).path("family").asText()).isEqualTo("ipv4");
    }

    @Test
    void theTreeSaysWhatEachRuleIsFor() throws IOException {
        Run run = Run.meshcni("rules", "--pod", file(Manifests.injected("web")), "--format", "tree");

        assertThat(run.out())
                .contains("nat OUTPUT")
                .contains("redirect to port 15001")
                .contains("# ");
    }

    @Test
    void theChartIsOneMermaidDocument() throws IOException {
        Run run = Run.meshcni("rules", "--pod", file(Manifests.injected("web")), "--format", "mermaid");

        assertThat(run.out()).startsWith("flowchart");
    }

    @ParameterizedTest
    @EnumSource(PlanFormat.class)
    void aPodThatIsSkippedIsNoFailureAndTheReasonIsShown(PlanFormat format) throws IOException {
        Run run = Run.meshcni("rules", "--pod", file(Manifests.plain("job")), "--format", format.name());

        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).contains("the pod has no container named istio-proxy");
        assertThat(run.err()).isEmpty();
    }

    @Test
    void theReasonIsACommentWhereIptablesRestoreReads() throws IOException {
        Run run = Run.meshcni("rules", "--pod", file(Manifests.plain("job")));

        assertThat(run.out().lines()).allMatch(line -> line.startsWith("# "));
    }

    @Test
    void aNamespaceCanBeExcluded() throws IOException {
        Run run = Run.meshcni(
                "rules", "--pod", file(Manifests.injected("web")), "--exclude-namespaces", "kube-system,shop");

        assertThat(run.out()).contains("not redirected: namespace shop is excluded");
    }

    @Test
    void aBadAnnotationFailsAndIsNamedWithItsValue() throws IOException {
        String pod =
                file(Manifests.withAnnotation("web", "traffic.sidecar.istio.io/excludeInboundPorts", "80; rm -rf /"));

        Run run = Run.meshcni("rules", "--pod", pod);

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.out()).isEmpty();
        assertThat(run.err())
                .contains("shop/web")
                .contains("traffic.sidecar.istio.io/excludeInboundPorts")
                .contains("80; rm -rf /");
    }

    @Test
    void eachOfSeveralPodsHasAHeading() throws IOException {
        Run run = Run.meshcni("rules", "--pod", file(Manifests.injected("web") + "---\n" + Manifests.plain("job")));

        assertThat(run.exitCode()).isZero();
        assertThat(run.out().lines()).contains("# pod shop/web", "# pod shop/job");
    }

    @Test
    void oneBadPodDoesNotHideTheOthers() throws IOException {
        String bad = Manifests.withAnnotation("bad", "sidecar.istio.io/interceptionMode", "MAGIC");

        Run run = Run.meshcni("rules", "--pod", file(bad + "---\n" + Manifests.injected("web")));

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.out()).contains("# pod shop/web").contains("COMMIT");
        assertThat(run.err()).contains("shop/bad").contains("MAGIC");
    }

    @ParameterizedTest
    @ValueSource(strings = {"web", "shop/web"})
    void oneOfSeveralPodsIsChosenByName(String name) throws IOException {
        String pods = file(Manifests.injected("web") + "---\n" + Manifests.plain("job"));

        Run run = Run.meshcni("rules", "--pod", pods, "--name", name);

        assertThat(run.out()).startsWith("# ipv4");
    }

    @Test
    void aNameThatNoPodHasFailsAndTheNamesThereAreListed() throws IOException {
        String pods = file(Manifests.injected("web") + "---\n" + Manifests.plain("job"));

        Run run = Run.meshcni("rules", "--pod", pods, "--name", "nobody");

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains("nobody").contains("shop/web, shop/job");
    }

    @Test
    void theManifestCanComeThroughStandardInput() {
        InputStream stdin = System.in;
        System.setIn(new ByteArrayInputStream(Manifests.injected("web").getBytes(UTF_8)));
        try {
            Run run = Run.meshcni("rules", "--pod", "-");

            assertThat(run.exitCode()).isZero();
            assertThat(run.out()).startsWith("# ipv4");
        } finally {
            System.setIn(stdin);
        }
    }

    @Test
    void aFileThatIsNotThereIsNamed() {
        Run run = Run.meshcni("rules", "--pod", directory.resolve("no.yaml").toString());

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains("no.yaml does not exist");
    }

    @Test
    void aManifestWithoutAPodSaysWhereToGetOne() throws IOException {
        String service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n";

        Run run = Run.meshcni("rules", "--pod", file(service));

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains("contains no Pod").contains("kubectl get pod");
    }

    @Test
    void whatIsNoManifestIsAFailureWithoutAStackTrace() throws IOException {
        Run run = Run.meshcni("rules", "--pod", file("{\"kind\": \"Pod\", "));

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains("pod.yaml").doesNotContain("\tat ");
    }

    private String file(String manifest) throws IOException {
        return Files.writeString(directory.resolve("pod.yaml"), manifest).toString();
    }

    private static JsonNode json(String text) throws JsonProcessingException {
        return new ObjectMapper().readTree(text);
    }
}
