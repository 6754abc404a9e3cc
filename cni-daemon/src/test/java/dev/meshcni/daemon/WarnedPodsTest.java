// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.kubernetes.ManifestPodSource;
import dev.meshcni.testkit.CapturedLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WarnedPodsTest {
    private static final String WARNING = "annotation \"traffic.sidecar.istio.io/excludeOutboundPort\" has no effect,"
            + " did you mean traffic.sidecar.istio.io/excludeOutboundPorts?";

    @TempDir
    private Path manifests;

    private final List<String> heard = new ArrayList<>();

    @Test
    void aMisspeltAnnotationIsSaidOnceForEachPod() throws IOException {
        write("web-0", "traffic.sidecar.istio.io/excludeOutboundPort");
        write("web-1", "traffic.sidecar.istio.io/excludeOutboundPort");
        try (CapturedLog log = CapturedLog.of(WarnedPods.class);
                WarnedPods pods = pods()) {
            find(pods, "web-0");
            find(pods, "web-0");
            find(pods, "web-1");

            assertThat(log.lines())
                    .containsExactly("WARN pod shop/web-0: " + WARNING, "WARN pod shop/web-1: " + WARNING);
            assertThat(heard).containsExactly("web-0 " + WARNING, "web-1 " + WARNING);
        }
    }

    @Test
    void whatIsReadIsNoMistake() throws IOException {
        write("web-0", "traffic.sidecar.istio.io/excludeOutboundPorts");
        try (CapturedLog log = CapturedLog.of(WarnedPods.class);
                WarnedPods pods = pods()) {
            find(pods, "web-0");

            assertThat(log.lines()).isEmpty();
            assertThat(heard).isEmpty();
        }
    }

    @Test
    void manyMistakesOfOnePodAreAFewLines() throws IOException {
        StringBuilder annotations = new StringBuilder();
        for (char c = 'a'; c <= 'z'; c++) {
            annotations.append("    traffic.sidecar.istio.io/").append(c).append(": x\n");
        }
        Files.writeString(manifests.resolve("web-0.yaml"), manifest("web-0", annotations.toString()));
        try (CapturedLog log = CapturedLog.of(WarnedPods.class);
                WarnedPods pods = pods()) {
            find(pods, "web-0");

            assertThat(log.lines()).hasSize(3);
        }
    }

    private WarnedPods pods() {
        return new WarnedPods(
                new ManifestPodSource(manifests), (pod, warning) -> heard.add(pod.name() + " " + warning));
    }

    private static void find(WarnedPods pods, String name) {
        assertThat(pods.find("shop", name, "", Duration.ZERO)).isPresent();
    }

    private void write(String name, String annotation) throws IOException {
        Files.writeString(manifests.resolve(name + ".yaml"), manifest(name, "    " + annotation + ": \"5432\"\n"));
    }

    private static String manifest(String name, String annotations) {
        return """
                apiVersion: v1
                kind: Pod
                metadata:
                  name: %s
                  namespace: shop
                  annotations:
                %sspec:
                  containers: [{name: app}]
                """.formatted(name, annotations);
    }
}
