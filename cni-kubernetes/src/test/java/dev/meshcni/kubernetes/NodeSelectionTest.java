// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NodeSelectionTest {
    private static final Node NODE = new NodeBuilder()
            .withNewMetadata()
            .withName("node-a")
            .withLabels(Map.of("kubernetes.io/os", "linux", "pool", "mesh", "cores", "16"))
            .endMetadata()
            .build();

    @Test
    void whereNothingIsAskedForEveryNodeIsMeant() {
        assertThat(selection("{}").includesAllNodes()).isTrue();
        assertThat(selection("nodeSelector: {kubernetes.io/os: linux}").includesAllNodes())
                .isTrue();
        assertThat(selection("{}").includes(NODE)).isTrue();
    }

    @Test
    void thisMachinesNodeHasItsArchitectureAndNoOther() {
        String own = System.getProperty("os.arch").equals("aarch64") ? "arm64" : "amd64";

        assertThat(selection("nodeSelector: {kubernetes.io/os: linux, kubernetes.io/arch: " + own + "}")
                        .includesAllNodes())
                .isTrue();
        assertThat(selection("nodeSelector: {kubernetes.io/arch: s390x}").includesAllNodes())
                .isFalse();
        assertThat(selection("nodeSelector: {kubernetes.io/arch: " + own + ", pool: mesh}")
                        .includesAllNodes())
                .isFalse();
    }

    @Test
    void aNodeHasToHaveEveryLabelOfTheSelector() {
        assertThat(selection("nodeSelector: {kubernetes.io/os: linux, pool: mesh}")
                        .includes(NODE))
                .isTrue();
        assertThat(selection("nodeSelector: {pool: mesh, cores: \"8\"}").includes(NODE))
                .isFalse();
        assertThat(selection("nodeSelector: {zone: a}").includes(NODE)).isFalse();
        assertThat(selection("nodeSelector: {zone: a}").includesAllNodes()).isFalse();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{key: pool, operator: In, values: [other, mesh]} | true",
                "{key: pool, operator: In, values: [other]} | false",
                "{key: zone, operator: In, values: [a]} | false",
                "{key: pool, operator: NotIn, values: [other]} | true",
                "{key: pool, operator: NotIn, values: [mesh]} | false",
                "{key: zone, operator: NotIn, values: [a]} | true",
                "{key: pool, operator: Exists} | true",
                "{key: zone, operator: Exists} | false",
                "{key: zone, operator: DoesNotExist} | true",
                "{key: pool, operator: DoesNotExist} | false",
                "{key: cores, operator: Gt, values: [\"8\"]} | true",
                "{key: cores, operator: Gt, values: [\"16\"]} | false",
                "{key: cores, operator: Lt, values: [\"17\"]} | true",
                "{key: cores, operator: Lt, values: [\"16\"]} | false",
                "{key: pool, operator: Gt, values: [\"8\"]} | false",
                "{key: zone, operator: Lt, values: [\"8\"]} | false",
                "{key: pool, operator: OfALaterKubernetes} | true"
            })
    void anExpressionMeansWhatTheSchedulerTakesItFor(String expression, boolean included) {
        assertThat(required("[{matchExpressions: [" + expression + "]}]").includes(NODE))
                .isEqualTo(included);
    }

    @Test
    void oneOfSeveralTermsIsEnoughAndEachNeedsAllOfItsExpressions() {
        String met = "{key: pool, operator: Exists}";
        String unmet = "{key: zone, operator: Exists}";
        assertThat(required("[{matchExpressions: [" + unmet + "]}, {matchExpressions: [" + met + "]}]")
                        .includes(NODE))
                .isTrue();
        assertThat(required("[{matchExpressions: [" + unmet + ", " + met + "]}]")
                        .includes(NODE))
                .isFalse();
        assertThat(required("[{}]").includes(NODE)).isFalse();
    }

    @Test
    void aFieldIsTheNameOfTheNode() {
        assertThat(required("[{matchFields: [{key: metadata.name, operator: In, values: [node-a]}]}]")
                        .includes(NODE))
                .isTrue();
        assertThat(required("[{matchFields: [{key: metadata.name, operator: NotIn, values: [node-a]}]}]")
                        .includes(NODE))
                .isFalse();
    }

    @Test
    void selectorAndAffinityBothCount() {
        String affinity = """
                affinity:
                  nodeAffinity:
                    requiredDuringSchedulingIgnoredDuringExecution:
                      nodeSelectorTerms: [{matchExpressions: [{key: cores, operator: Exists}]}]
                """;
        assertThat(selection("nodeSelector: {pool: mesh}\n" + affinity).includes(NODE))
                .isTrue();
        assertThat(selection("nodeSelector: {pool: other}\n" + affinity).includes(NODE))
                .isFalse();
    }

    @Test
    void whatIsOnlyPreferredDoesNotCount() {
        assertThat(selection("""
                        affinity:
                          nodeAffinity:
                            preferredDuringSchedulingIgnoredDuringExecution:
                            - {weight: 1, preference: {matchExpressions: [{key: zone, operator: Exists}]}}
                        """).includesAllNodes()).isTrue();
    }

    private static NodeSelection required(String terms) {
        return selection(
                "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: " + terms
                        + "}}}");
    }

    private static NodeSelection selection(String podSpec) {
        String yaml = "apiVersion: apps/v1\nkind: DaemonSet\nspec:\n  template:\n    spec:\n" + podSpec.indent(6);
        return NodeSelection.of(Serialization.unmarshal(yaml, DaemonSet.class));
    }
}
