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
        cni: {ambient: {enabled: maybe}}                | v:1:26: cni.ambient.enabled must be true or false
        cni: {ambient: {dnsCapture: maybe}}             | v:1:29: cni.ambient.dnsCapture must be true or false
        cni: {ambient: {enabledd: true}}                | v:1:17: unknown key cni.ambient.enabledd
        cni: {ambient: {enablementSelectors: {}}}       | v:1:38: cni.ambient.enablementSelectors: must be a list
        cni: {ambient: {enablementSelectors: [{podSelectors: {}}]}} | v:1:40: cni.ambient.enablementSelectors: "podSelectors" is unknown here; possible are podSelector, namespaceSelector
        ambient: {enablementSelectors: [{podSelector: {matchLabels: {a: true}}}]} | v:1:65: cni.ambient.enablementSelectors: true is no text; write "true" in quotes
        cni: {env: {AMBIENT_ENABLED: "true"}}           | v:1:7: cni.env must not contain AMBIENT_ENABLED
        profile: my-ambient                             | v:1:1: profile is 'my-ambient', but must be one of ambient, default
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
