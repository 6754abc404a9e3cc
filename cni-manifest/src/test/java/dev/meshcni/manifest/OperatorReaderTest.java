// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.config.ManifestException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OperatorReaderTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        cni: {cniBinDirr: /x}                           | v:1:7: unknown key cni.cniBinDirr
        cni: {repair: {deletePod: true}}                | v:1:16: unknown key cni.repair.deletePod
        cniBinDirr: /x                                  | v:1:1: unknown key cniBinDirr
        cni: {chained: "yes"}                           | v:1:16: cni.chained must be true or false
        cni: {cniBinDir: opt}                           | v:1:7: cni.cniBinDir is 'opt', but must be an absolute path
        cni: {provider: cilium}                         | v:1:7: cni.provider is 'cilium', but must be one of default, multus
        cni: {resources: {request: {cpu: 1}}}           | v:1:19: unknown key cni.resources.request
        cni: {tolerations: [{effects: x}]}              | v:1:22: unknown key cni.tolerations[0].effects
        cni: {env: {NODE_NAME: x}}                      | v:1:7: cni.env must not contain NODE_NAME
        cni: {ambient: {enabled: true}}                 | v:1:17: cni.ambient.enabled is true, but
        cni: {logging: {level: loud}}                   | v:1:17: cni.logging.level is 'loud'
        cni: [1]                                        | v:1:6: cni must be a mapping
        cni: {chained: true, chained: false}            | v:1:22: the key chained is duplicated
        'cni: {'                                        | invalid YAML
        kind: Pod                                       | v:1:1: kind is Pod, but must be IstioOperator
        global: {platform: gce}                         | global.platform is 'gce', but must be one of
        sidecarInjectorWebhook: {injectedAnnotations: {k8s.v1.cni.cncf.io/networks: istio-cnii}} | is 'istio-cnii', but the NetworkAttachmentDefinition is default/istio-cni
        """)
    void whatIsWrongIsNamedWithItsPlace(String text, String message) {
        assertThatThrownBy(() -> read("v", text))
                .isInstanceOf(ManifestException.class)
                .hasMessageContaining(message);
    }

    @Test
    void everythingThatIsWrongIsNamedAtOnce() {
        assertThatThrownBy(() -> read("v", "cni:\n  chained: maybe\n  hubb: x\nglobals: {}"))
                .hasMessageContaining("v:2:12: cni.chained")
                .hasMessageContaining("v:3:3: unknown key cni.hubb")
                .hasMessageContaining("v:4:1: unknown key globals");
    }

    @Test
    void anUnknownKeyComesWithTheKnownOnes() {
        assertThatThrownBy(() -> read("v", "cni: {chaind: true}"))
                .isInstanceOfSatisfying(
                        ManifestException.class,
                        e -> assertThat(e.problems()).singleElement().satisfies(problem -> {
                            assertThat(problem.key()).isEqualTo("chaind");
                            assertThat(problem.known()).contains("chained", "cniBinDir");
                        }));
    }

    @Test
    void anOperatorWithoutTheCniIsRefused() {
        assertThatThrownBy(() -> read("v", """
            apiVersion: install.istio.io/v1alpha1
            kind: IstioOperator
            spec:
              components:
                pilot: {enabled: true}
            """)).hasMessageContaining("components.cni.enabled is not true");
    }

    private static OperatorReader.Result read(String name, String text) {
        return OperatorReader.read(new ManifestInput(
                List.of(new ManifestInput.Document(name, text)), List.of(), Optional.empty(), Optional.empty()));
    }
}
