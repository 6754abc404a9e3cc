// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.meshcni.config.ManifestException;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code components.cni.k8s.overlays}, as Istio's documentation writes them. */
class OverlayTest {
    @Test
    void valuesAreSetReplacedAddedAndRemoved() {
        DaemonSet daemonSet = daemonSet("""
                - kind: DaemonSet
                  name: istio-cni-node
                  patches:
                  - path: spec.template.spec.hostPID
                    value: true
                  - path: spec.template.spec.containers.[name:install-cni].resources.limits.memory
                    value: 512Mi
                  - path: spec.template.spec.containers[name:install-cni].env[-1]
                    value: {name: POD_WAIT_SECONDS, value: "20"}
                  - path: spec.template.metadata.annotations.prometheus\\.io/scrape
                  - path: spec.template.spec.containers.[0].livenessProbe
                """);

        Container container =
                daemonSet.getSpec().getTemplate().getSpec().getContainers().getFirst();
        assertThat(daemonSet.getSpec().getTemplate().getSpec().getHostPID()).isTrue();
        assertThat(container.getResources().getLimits().get("memory")).hasToString("512Mi");
        assertThat(container.getEnv())
                .hasSizeGreaterThan(5)
                .last()
                .isEqualTo(new EnvVar("POD_WAIT_SECONDS", "20", null));
        assertThat(daemonSet.getSpec().getTemplate().getMetadata().getAnnotations())
                .doesNotContainKey("prometheus.io/scrape")
                .containsKey("prometheus.io/port");
        assertThat(container.getLivenessProbe()).isNull();
    }

    @Test
    void otherResourcesAreAsWithoutIt() {
        List<HasMetadata> plain = resources("[]");
        List<HasMetadata> changed =
                resources("[{kind: ServiceAccount, name: istio-cni, patches: [{path: metadata.labels.a, value: b}]}]");

        assertThat(changed).hasSameSizeAs(plain);
        assertThat(changed.getFirst().getMetadata().getLabels()).containsEntry("a", "b");
        assertThat(changed.subList(1, changed.size())).isEqualTo(plain.subList(1, plain.size()));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "[{kind: DaemonSet, name: istio-cni, patches: [{path: a, value: b}]}] | there is no DaemonSet istio-cni to overlay; there are ServiceAccount istio-cni,",
                "[{kind: DaemonSet, name: istio-cni-node, patches: [{path: 'spec.template.spec.containers.[name:other].image', value: b}]}] | no item of the list has name: other",
                "[{kind: DaemonSet, name: istio-cni-node, patches: [{value: b}]}]     | has a patch without a path",
                "[{kind: DaemonSet, patches: [{path: a, value: b}]}]                  | needs kind, name and patches",
                "[text]                                                               | must be a list of mappings",
                "{kind: DaemonSet}                                                    | must be a list of mappings"
            })
    void oneThatCannotBeAppliedIsAnError(String overlays, String message) {
        ManifestException failure = catchThrowableOfType(ManifestException.class, () -> resources(overlays));

        assertThat(failure.problems())
                .anySatisfy(problem -> assertThat(problem.message()).contains(message));
    }

    private static DaemonSet daemonSet(String overlays) {
        return resources("\n" + overlays.indent(10)).stream()
                .filter(DaemonSet.class::isInstance)
                .map(DaemonSet.class::cast)
                .findFirst()
                .orElseThrow();
    }

    private static List<HasMetadata> resources(String overlays) {
        String operator = """
                apiVersion: install.istio.io/v1alpha1
                kind: IstioOperator
                spec:
                  components:
                    cni:
                      enabled: true
                      k8s:
                        overlays: %s
                """.formatted(overlays);
        return NodeManifests.of(new ManifestInput(
                        List.of(new ManifestInput.Document("operator.yaml", operator)),
                        List.of(),
                        Optional.empty(),
                        Optional.empty()))
                .resources();
    }
}
