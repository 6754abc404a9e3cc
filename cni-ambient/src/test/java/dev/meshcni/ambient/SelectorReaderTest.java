// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.ambient.LabelSelector.Operator;
import dev.meshcni.ambient.LabelSelector.Requirement;
import dev.meshcni.config.ManifestException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SelectorReaderTest {
    private static final String YAML = """
        - podSelector:
            matchLabels:
              istio.io/dataplane-mode: ambient
        - podSelector:
            matchExpressions:
            - key: istio.io/dataplane-mode
              operator: NotIn
              values: [none]
          namespaceSelector:
            matchLabels:
              istio.io/dataplane-mode: ambient
        """;

    @Test
    void istiosOwnSelectorsInYamlAreTheDefault() {
        assertThat(SelectorReader.read("f", YAML)).isEqualTo(EnablementSelector.DEFAULT);
    }

    @Test
    void theSameInJson() {
        String json = """
            [{"podSelector":{"matchLabels":{"istio.io/dataplane-mode":"ambient"}},"namespaceSelector":{}},
             {"podSelector":{"matchExpressions":[
             {"key":"istio.io/dataplane-mode","operator":"NotIn","values":["none"]}]},
             "namespaceSelector":{"matchLabels":{"istio.io/dataplane-mode":"ambient"}}}]\
            """;

        assertThat(SelectorReader.read("f", json)).isEqualTo(EnablementSelector.DEFAULT);
    }

    @Test
    void allOperatorsAreRead() {
        assertThat(SelectorReader.read("f", """
            - namespaceSelector:
                matchExpressions:
                - {key: a, operator: In, values: [x, "1"]}
                - {key: b, operator: NotIn, values: [z]}
                - {key: c, operator: Exists}
                - {key: d, operator: DoesNotExist, values: []}
            """))
                .containsExactly(new EnablementSelector(
                        LabelSelector.EVERYTHING,
                        new LabelSelector(
                                Map.of(),
                                List.of(
                                        new Requirement("a", Operator.IN, Set.of("x", "1")),
                                        new Requirement("b", Operator.NOT_IN, Set.of("z")),
                                        new Requirement("c", Operator.EXISTS, Set.of()),
                                        new Requirement("d", Operator.DOES_NOT_EXIST, Set.of())))));
    }

    @Test
    void anEmptyTextSelectsNobodyAndAnEmptySelectorEverybody() {
        assertThat(SelectorReader.read("f", "")).isEmpty();
        assertThat(SelectorReader.read("f", "[]")).isEmpty();
        assertThat(SelectorReader.read("f", "- {}"))
                .containsExactly(new EnablementSelector(LabelSelector.EVERYTHING, LabelSelector.EVERYTHING));
        assertThat(SelectorReader.read("f", "- podSelector:"))
                .containsExactly(new EnablementSelector(LabelSelector.EVERYTHING, LabelSelector.EVERYTHING));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "podSelector: {}|f:1:1: must be a list",
                "[a]|f:1:2: must be a mapping",
                "- podSelectors: {}|f:1:3: \"podSelectors\" is unknown here; possible are podSelector,"
                        + " namespaceSelector",
                "- podSelector: {labels: {}}|f:1:17: \"labels\" is unknown here; possible are matchLabels,"
                        + " matchExpressions",
                "- podSelector: {matchLabels: {a: true}}|f:1:34: true is no text; write \"true\" in quotes",
                "- podSelector: {matchLabels: {a: [b]}}|f:1:34: must be a text",
                "- podSelector: {matchExpressions: {}}|f:1:35: must be a list",
                "- podSelector: {matchExpressions: [{operator: In}]}|f:1:36: needs a \"key\"",
                "- podSelector: {matchExpressions: [{key: a}]}|f:1:36: needs a \"operator\"",
                "- podSelector: {matchExpressions: [{key: a, operator: in}]}"
                        + "|f:1:55: operator \"in\" is unknown; possible are In, NotIn, Exists, DoesNotExist",
                "- podSelector: {matchExpressions: [{key: a, operator: In}]}|f:1:55: In needs one or more values",
                "- podSelector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}"
                        + "|f:1:71: Exists takes no values; remove them, or use In or NotIn"
            })
    void whatIsWrongIsNamedWithItsPlace(String text, String message) {
        assertThatThrownBy(() -> SelectorReader.read("f", text))
                .isInstanceOf(ManifestException.class)
                .hasMessage(message);
    }

    @ParameterizedTest
    @CsvSource({
        "-a",
        "a-",
        "a b",
        "a/b",
        "ä",
        "'" + "x123456789x123456789x123456789x123456789x123456789x123456789x123" + "'"
    })
    void whatCannotBeTheValueOfALabelIsRefused(String value) {
        assertThatThrownBy(() -> SelectorReader.read("f", "- podSelector: {matchLabels: {a: \"" + value + "\"}}"))
                .isInstanceOf(ManifestException.class)
                .hasMessage("f:1:34: \"" + value + "\" cannot be the value of a label: up to 63 letters, digits, \"-\","
                        + " \"_\" and \".\" are possible, with a letter or digit at both ends");
    }
}
