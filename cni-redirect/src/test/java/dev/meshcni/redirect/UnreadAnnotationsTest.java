// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.redirect.testkit.Pods;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UnreadAnnotationsTest {
    @ParameterizedTest
    @CsvSource({
        "traffic.sidecar.istio.io/excludeOutboundPort, traffic.sidecar.istio.io/excludeOutboundPorts",
        "traffic.sidecar.istio.io/excludeoutboundports, traffic.sidecar.istio.io/excludeOutboundPorts",
        "traffic.sidecar.istio.io/excludeOutboundIpRange, traffic.sidecar.istio.io/excludeOutboundIPRanges",
        "sidecar.istio.io/excludeInboundPorts, traffic.sidecar.istio.io/excludeInboundPorts",
        "sidecar.istio.io/interceptionmode, sidecar.istio.io/interceptionMode",
        "sidecar.istio.io/injct, sidecar.istio.io/inject"
    })
    void aNameThatIsNearOneThatIsReadIsAWarningWithThatOne(String name, String meant) {
        assertThat(UnreadAnnotations.warnings(pod(name)))
                .containsExactly("annotation \"" + name + "\" has no effect, did you mean " + meant + "?");
    }

    @ParameterizedTest
    @ValueSource(strings = "traffic.sidecar.istio.io/somethingElse")
    void trafficAnnotationsAreAllKnown(String name) {
        assertThat(UnreadAnnotations.warnings(pod(name)))
                .containsExactly("annotation \"" + name + "\" has no effect: there is no such annotation");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "sidecar.istio.io/status",
                "sidecar.istio.io/proxyCPU",
                "sidecar.istio.io/proxyImage",
                "sidecar.istio.io/statsInclusionPrefixes",
                "sidecar.istio.io/rewriteAppHTTPProbers",
                "istio.io/rev",
                "prometheus.io/inject",
                "status",
                "traffic.sidecar.istio.io/includeInboundPorts"
            })
    void othersAreNotOurs(String name) {
        assertThat(UnreadAnnotations.warnings(pod(name))).isEmpty();
    }

    @Test
    void severalAreWarnedOfInTheOrderOfTheirNames() {
        Pod pod = Pods.injected(
                Map.of(
                        "traffic.sidecar.istio.io/b", "1",
                        "sidecar.istio.io/injct", "true",
                        "traffic.sidecar.istio.io/a", "1",
                        "prometheus.io/port", "1"),
                Map.of());

        assertThat(UnreadAnnotations.warnings(pod))
                .extracting(warning -> warning.substring(0, warning.indexOf(" has no effect")))
                .containsExactly(
                        "annotation \"sidecar.istio.io/injct\"",
                        "annotation \"traffic.sidecar.istio.io/a\"",
                        "annotation \"traffic.sidecar.istio.io/b\"");
    }

    private static Pod pod(String annotation) {
        return Pods.injected(Map.of(annotation, "15432"), Map.of());
    }
}
