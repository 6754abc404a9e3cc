// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.kubernetes.NodePod;
import dev.meshcni.kubernetes.NodePodReader;
import dev.meshcni.kubernetes.ProxyVersion;
import dev.meshcni.telemetry.AgentMetrics;
import dev.meshcni.testkit.TestPods;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ProxySkewTest {
    private final AgentMetrics metrics = new AgentMetrics(() -> 0, () -> 0, () -> 0);
    private final ProxySkew skew = new ProxySkew(metrics);
    private final NodePodReader reader = new NodePodReader(_ -> true, "");

    @ParameterizedTest
    @CsvSource({
        "registry.example/istio/proxyv2:1.29.1, 1, 29",
        "registry.example:5000/istio/proxyv2:1.30.0-distroless, 1, 30",
        "proxyv2:v1.31, 1, 31",
        "istio/proxyv2:1.28-alpha.0@sha256:abc, 1, 28"
    })
    void theVersionIsInTheTagOfTheImage(String image, int major, int minor) {
        assertThat(ProxyVersion.ofImage(image)).contains(new ProxyVersion(major, minor));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "proxyv2",
                "proxyv2:latest",
                "registry.example:5000/proxyv2",
                "a@sha256:1.2",
                "a:1",
                "a:99999.1"
            })
    void anImageWithoutAVersionHasNone(String image) {
        assertThat(ProxyVersion.ofImage(image)).isEqualTo(Optional.empty());
    }

    @Test
    void oneMinorVersionMoreOrLessIsWithinTheSkew() {
        int major = ProxyVersion.COMPATIBLE.major();
        int minor = ProxyVersion.COMPATIBLE.minor();

        assertThat(new ProxyVersion(major, minor - 1).withinSkew()).isTrue();
        assertThat(new ProxyVersion(major, minor + 1).withinSkew()).isTrue();
        assertThat(new ProxyVersion(major, minor - 2).withinSkew()).isFalse();
        assertThat(new ProxyVersion(major, minor + 2).withinSkew()).isFalse();
        assertThat(new ProxyVersion(major + 1, minor).withinSkew()).isFalse();
    }

    @Test
    void proxiesOutOfTheSkewAreCountedUntilTheyAreGone() throws IOException {
        NodePod old = pod("old", "istio/proxyv2:1.2.3");
        skew.shown(pod("web", "istio/proxyv2:" + ProxyVersion.COMPATIBLE + ".0"));
        skew.shown(old);
        skew.shown(old);
        assertThat(scrape()).contains("meshcni_proxies_out_of_skew 1.0");

        skew.gone(old);

        assertThat(scrape()).contains("meshcni_proxies_out_of_skew 0.0");
    }

    private NodePod pod(String name, String image) {
        return reader.read(TestPods.injected(name)
                .edit()
                .editSpec()
                .editMatchingContainer(container -> container.getName().equals("istio-proxy"))
                .withImage(image)
                .endContainer()
                .endSpec()
                .build());
    }

    private String scrape() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        metrics.write(metrics.writer(""), out);
        return out.toString(StandardCharsets.UTF_8);
    }
}
