// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.marcnuri.helm.Helm;
import dev.meshcni.manifest.Platform;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The API server takes the manifests with strict validation: no field that it does not know, none twice. */
@InCluster
class StrictManifestsTest {
    private static final String ALL = """
            {cni: {nodeTaint: true, repair: {labelPods: true}, env: {DRIFT_REPAIR: "true"}, resourceQuotas: {enabled: true}},
             global: {networkPolicy: {enabled: true}}}
            """;
    private static final Pattern API_VERSION = Pattern.compile("^\"?apiVersion\"?: \"?([^\"\n]+)", Pattern.MULTILINE);

    private static final Pattern MINOR = Pattern.compile("^v?1\\.(\\d+)");

    private final Cluster cluster;
    private final List<String> served;

    @TempDir
    private Path directory;

    StrictManifestsTest(Cluster cluster) {
        this.cluster = cluster;
        this.served = Cluster.kubectl("", "api-versions").lines().toList();
    }

    @BeforeEach
    void createNamespace() {
        cluster.installation().createNamespace();
    }

    @ParameterizedTest
    @EnumSource
    void ofAllPlatforms(Platform platform) {
        String version = cluster.client().getKubernetesVersion().getGitVersion();

        assertTaken(manifest("--platform", platform.label(), "--kube-version", version));
    }

    @ParameterizedTest
    @ValueSource(strings = {"1.25", "1.29", "1.30"})
    void ofOlderVersions(String version) {
        String server = cluster.client().getKubernetesVersion().getGitVersion();
        assumeTrue(minor(version) <= minor(server), () -> "the API server is of Kubernetes " + server);

        assertTaken(manifest("--kube-version", version));
    }

    @Test
    void ofTheChart() throws IOException {
        String version = cluster.client().getKubernetesVersion().getGitVersion();
        assertTaken(
                new Helm(Path.of("../deploy/helm/istio-cni").toAbsolutePath().normalize())
                        .template()
                        .withName("mesh-cni")
                        .withNamespace(Installation.NAMESPACE)
                        .withKubeVersion(version)
                        .withValuesFile(Files.writeString(directory.resolve("values.yaml"), ALL))
                        .call());
        Report.line("strict validation: the API server of Kubernetes " + version + " takes the chart");
    }

    @Test
    void aFieldThatIsUnknownIsNotTaken() {
        String wrong = manifest().replace("serviceAccountName", "serviceAccountsName");

        assertThatThrownBy(() -> assertTaken(wrong)).hasMessageContaining("unknown field");
    }

    private static int minor(String version) {
        return MINOR.matcher(version)
                .results()
                .mapToInt(found -> Integer.parseInt(found.group(1)))
                .findFirst()
                .orElseThrow();
    }

    private static String manifest(String... options) {
        return Cluster.meshcni(Stream.concat(Stream.of("manifest", "-f", "-"), Stream.of(options))
                        .toArray(String[]::new))
                .input(ALL)
                .run();
    }

    private void assertTaken(String yaml) {
        String known =
                Stream.of(yaml.split("(?m)^---$", -1)).filter(this::isServed).collect(Collectors.joining("\n---\n"));
        assertThat(Cluster.kubectl(known, "apply", "--dry-run=server", "--validate=strict", "--filename=-"))
                .contains("daemonset.apps/" + Installation.DAEMON_SET);
    }

    /** Not so for kinds of operators that the cluster lacks, and for a document of comments alone. */
    private boolean isServed(String document) {
        Matcher version = API_VERSION.matcher(document);
        return version.find() && served.contains(version.group(1).strip());
    }
}
