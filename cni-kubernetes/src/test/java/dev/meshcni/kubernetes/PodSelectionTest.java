// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.config.DaemonException;
import dev.meshcni.testkit.TestPods;
import io.fabric8.kubernetes.api.model.Pod;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PodSelectionTest {
    private static final Pod POD = TestPods.started(TestPods.injected("web"))
            .edit()
            .editMetadata()
            .addToLabels("app", "web")
            .addToLabels("tier", "front")
            .endMetadata()
            .build();

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'' | true",
                "app=web | true",
                "app==web | true",
                "app = other | false",
                "app!=other | true",
                "absent!=x | true",
                "app | true",
                "!app | false",
                "!absent | true",
                "tier in (back, front) | true",
                "tier notin (back, front) | false",
                "app=web,tier in (back,front),!absent | true",
                "app=web,tier=back | false"
            })
    void aLabelSelectorMeansWhatItMeansToTheServer(String selector, boolean meant) {
        assertThat(PodSelection.parse("", selector, "").test(POD)).isEqualTo(meant);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "metadata.name=web | true",
                "metadata.namespace!=shop | false",
                "status.phase=Running | true",
                "status.phase!=Running | false",
                "spec.schedulerName=x | false"
            })
    void aFieldSelectorMeansWhatItMeansToTheServer(String selector, boolean meant) {
        assertThat(PodSelection.parse("", "", selector).test(POD)).isEqualTo(meant);
    }

    @Test
    void aPodWithoutTheAnnotationIsNotMeant() {
        assertThat(PodSelection.parse("sidecar.istio.io/status", "", "").test(POD))
                .isTrue();
        assertThat(PodSelection.parse("other", "", "").test(POD)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"app=web=x", "=", "a in b", "a b", "in (a)"})
    void aLabelSelectorThatIsNoneIsAnErrorThatQuotesIt(String selector) {
        assertThatThrownBy(() -> PodSelection.parse("", selector, ""))
                .isInstanceOf(DaemonException.class)
                .hasMessageContaining("'" + selector + "'");
    }

    @ParameterizedTest
    @ValueSource(strings = {"spec.unknown=x", "status.phase", "metadata.name in (a)"})
    void aFieldSelectorThatIsNoneIsAnErrorThatSaysWhatIsAllowed(String selector) {
        assertThatThrownBy(() -> PodSelection.parse("", "", selector))
                .isInstanceOf(DaemonException.class)
                .hasMessageContaining("'" + selector + "'")
                .hasMessageContaining("status.phase");
    }
}
