// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.config.Yaml;
import dev.meshcni.config.YamlFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is printed for a version of Kubernetes has no field that its API server would refuse. */
class KubernetesVersionsTest {
    private static final List<String> SETTINGS = List.of(
            "{}",
            "{global: {platform: openshift}}",
            "{global: {platform: gke}}",
            "{cni: {nodeTaint: true, repair: {deletePods: true}, nativeNftables: true}}",
            "{cni: {repair: {labelPods: true}, rollingMaxUnavailable: 10%, privileged: true}}",
            "{profile: ambient, cni: {ambient: {dnsCapture: false, enablementSelectors: [{podSelector: {}}]}}}",
            "{global: {networkPolicy: {enabled: true}}, cni: {podMonitor: {enabled: true}, dashboard: {enabled: true},"
                    + " prometheusRule: {enabled: true}}}",
            "{cni: {affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms:"
                    + " [{matchExpressions: [{key: a, operator: Exists}]}]}}}, nodeSelector: {pool: mesh},"
                    + " priorityClassName: mesh, extraVolumes: [{name: more, emptyDir: {}}],"
                    + " extraVolumeMounts: [{name: more, mountPath: /more}]}}");

    private static final String TODAY = "today";

    /** By version: to load the classes of one takes longer than most tests. */
    private static final Map<String, ApiModel> MODELS = new HashMap<>();

    @AfterAll
    static void closeModels() throws IOException {
        for (ApiModel model : MODELS.values()) {
            model.close();
        }
        MODELS.clear();
    }

    @TestFactory
    Stream<DynamicTest> everyResourceIsKnownToItsVersion() {
        return Stream.of("1.25", "1.29", "1.30")
                .flatMap(version -> SETTINGS.stream()
                        .map(settings -> DynamicTest.dynamicTest(version + " " + settings, () -> {
                            List<Yaml.Mapping> documents = documents(settings, Optional.of(version));
                            documents.forEach(model(version)::check);
                            assertThat(model(version).unknown(documents)).allMatch(kind -> isOfAnAddOn(kind, version));
                        })));
    }

    @TestFactory
    Stream<DynamicTest> everyResourceIsKnownToday() {
        return SETTINGS.stream()
                .map(settings -> DynamicTest.dynamicTest(settings, () -> {
                    List<Yaml.Mapping> documents = documents(settings, Optional.empty());
                    documents.forEach(model(TODAY)::check);
                    assertThat(model(TODAY).unknown(documents)).allMatch(kind -> isOfAnAddOn(kind, TODAY));
                }));
    }

    /** Each model is that of the version it is taken for: it has what that one brought, and not what the next did. */
    @ParameterizedTest
    @CsvSource({
        "1.25, PodSpec, hostUsers, PodSpec, schedulingGates",
        "1.29, LifecycleHandler, sleep, SecurityContext, appArmorProfile",
        "1.30, SecurityContext, appArmorProfile, Volume, image"
    })
    void aModelIsOfItsVersion(String version, String type, String property, String laterType, String later) {
        assertThat(model(version).has(type, property)).as(property).isTrue();
        assertThat(model(version).has(laterType, later)).as(later).isFalse();
    }

    @Test
    void anOlderApiServerWouldRefuseWhatIsForToday() {
        assertThatThrownBy(() -> documents("{}", Optional.empty()).forEach(model("1.29")::check))
                .hasMessageContaining("appArmorProfile");
    }

    @ParameterizedTest
    @CsvSource({
        "1.29, true",
        "v1.25.16, true",
        "1.29.10-gke.1054000, true",
        "1.29+, true",
        "1.30, false",
        "v1.34.1+k3s1, false"
    })
    void appArmorIsAnAnnotationBeforeTheField(String version, boolean annotation) {
        String yaml = yaml("{}", Optional.of(version));

        assertThat(yaml.contains("container.apparmor.security.beta.kubernetes.io/install-cni: \"unconfined\""))
                .isEqualTo(annotation);
        assertThat(yaml.contains("appArmorProfile:")).isNotEqualTo(annotation);
    }

    @Test
    void theHeaderSaysForWhichVersions() {
        assertThat(yaml("{}", Optional.empty()))
                .contains("# For Kubernetes 1.30 and later; for an older one, from 1.25");
        assertThat(yaml("{}", Optional.of("1.27"))).contains("# For Kubernetes 1.27.\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "1", "2.0", "latest", "1.x", "1.24", "v1.9.3"})
    void anythingElseIsAnError(String version) {
        assertThatThrownBy(() -> KubernetesVersion.parse(version)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void theOldestIsThatOfTheChart() throws IOException {
        String chart = Files.readString(Path.of("..", "deploy", "helm", "istio-cni", "Chart.yaml"));

        assertThat(chart).contains("kubeVersion: \">=" + KubernetesVersion.OLDEST + ".0-0\"");
        assertThatCode(() -> KubernetesVersion.parse(KubernetesVersion.OLDEST.toString()))
                .doesNotThrowAnyException();
    }

    private static ApiModel model(String version) {
        return MODELS.computeIfAbsent(
                version, name -> name.equals(TODAY) ? ApiModel.ofToday() : ApiModel.ofKubernetes(name));
    }

    /** Kinds that are not Kubernetes' own; the model of 1.30 has those of the Prometheus operator beside it. */
    private static boolean isOfAnAddOn(String kind, String version) {
        return kind.startsWith("k8s.cni.cncf.io/")
                || (kind.startsWith("monitoring.coreos.com/") && !version.equals("1.30"));
    }

    private static List<Yaml.Mapping> documents(String settings, Optional<String> version) {
        return YamlFile.documents("manifest", yaml(settings, version));
    }

    private static String yaml(String settings, Optional<String> version) {
        return NodeManifests.of(new ManifestInput(
                        List.of(new ManifestInput.Document("values.yaml", settings)),
                        List.of(),
                        Optional.empty(),
                        Optional.of("mesh"),
                        version.map(KubernetesVersion::parse)))
                .yaml();
    }
}
