// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonParser;
import dev.meshcni.redirect.PodFields;
import dev.meshcni.rules.CutField;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.util.Collections;
import java.util.Enumeration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class PodJsonTest {
    private static final String PORTS = "traffic.sidecar.istio.io/excludeInboundPorts";

    @Test
    void aValueThatIsTooLongIsNotKeptAndSaysSo() throws IOException {
        BoundedPod pod = read(annotated(PORTS, BoundedTexts.MAX_VALUE + 1));

        assertThat(pod.cut())
                .containsExactly(
                        new CutField("annotation " + PORTS, BoundedTexts.MAX_VALUE + 1, BoundedTexts.MAX_VALUE));
        assertThat(pod.pod().getMetadata().getAnnotations().get(PORTS)).isEmpty();
        assertThat(read(annotated(PORTS, BoundedTexts.MAX_VALUE)).cut()).isEmpty();
    }

    @Test
    void whatIsNotReadMayBeOfAnyLength() throws IOException {
        BoundedPod pod = read(annotated("kubectl.kubernetes.io/last-applied-configuration", 1 << 20));

        assertThat(pod.cut()).isEmpty();
        assertThat(pod.pod().getMetadata().getAnnotations()).isEmpty();
    }

    @Test
    void ofAnnotationsThatWereMeantForTheRedirectionAFewNamesAreKept() throws IOException {
        String misspelt = "traffic.sidecar.istio.io/excludeInboundPort";
        assertThat(read(annotated(misspelt, 1 << 20)).pod().getMetadata().getAnnotations())
                .containsExactly(Map.entry(misspelt, ""));

        String many = IntStream.range(0, 1000)
                .mapToObj(i -> "\"traffic.sidecar.istio.io/x" + i + "\":\"\"")
                .collect(Collectors.joining(","));
        assertThat(read("{\"metadata\":{\"annotations\":{" + many + "}}}")
                        .pod()
                        .getMetadata()
                        .getAnnotations())
                .hasSize(3);
        assertThat(read(annotated("traffic.sidecar.istio.io/" + "x".repeat(1000), 1))
                        .pod()
                        .getMetadata()
                        .getAnnotations())
                .isEmpty();
    }

    @Test
    void manyVariablesOfTheProxyAreTooMuchTogether() throws IOException {
        String variables = PodFields.VARIABLES.stream()
                .map(name -> "{\"name\":\"" + name + "\",\"value\":\"" + "x".repeat(60 << 10) + "\"}")
                .collect(Collectors.joining(","));

        BoundedPod pod = read("{\"spec\":{\"containers\":[{\"name\":\"istio-proxy\",\"env\":[" + variables + "]}]}}");

        assertThat(pod.cut()).isNotEmpty();
        assertThat(pod.pod().getSpec().getContainers().getFirst().getEnv().stream()
                        .mapToInt(variable -> variable.getValue().length())
                        .sum())
                .isLessThanOrEqualTo(BoundedTexts.MAX_POD);
    }

    @Test
    void containersHaveABound() throws IOException {
        String containers = IntStream.range(0, 1000)
                .mapToObj(i -> "{\"name\":\"c" + i + "\"}")
                .collect(Collectors.joining(","));

        BoundedPod pod = read("{\"spec\":{\"containers\":[" + containers + "]}}");

        assertThat(pod.cut()).isNotEmpty();
        assertThat(pod.pod().getSpec().getContainers()).hasSizeLessThanOrEqualTo(BoundedTexts.MAX_CONTAINERS);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"metadata\":5,\"spec\":[1,{}],\"status\":\"Running\"}",
                "{\"metadata\":{\"name\":{\"a\":1},\"annotations\":[],\"labels\":\"x\",\"ownerReferences\":{}}}",
                "{\"spec\":{\"containers\":[5,[],{\"name\":7,\"env\":{\"a\":1},\"args\":[{}]}],\"hostNetwork\":\"yes\"}}",
                "{\"spec\":{\"securityContext\":{\"runAsUser\":1e400,\"runAsGroup\":99999999999999999999}}}",
                "{\"status\":{\"initContainerStatuses\":[{\"lastState\":{\"terminated\":{\"exitCode\":\"1\"}}}]}}"
            })
    void whatIsOfAnotherTypeIsAbsent(String json) throws IOException {
        BoundedPod pod = read(json);

        assertThat(pod.cut()).isEmpty();
        assertThat(pod.pod().getMetadata().getName()).isIn(null, "");
        assertThat(pod.pod().getSpec().getHostNetwork()).isIn(null, false);
    }

    @Test
    void aPodThatBreaksOffAnywhereIsNone() {
        String json = "{\"metadata\":{\"name\":\"web\",\"annotations\":{\"" + PORTS + "\":\"80\"}},\"spec\":{}}";
        for (int i = 1; i < json.length(); i++) {
            String part = json.substring(0, i);
            assertThatThrownBy(() -> read(part)).as(part).isInstanceOf(IOException.class);
        }
    }

    @Test
    void aListIsReadPodByPodHoweverLongItIs() throws IOException {
        int pods = 200;
        String filler = "x".repeat(1 << 20);
        AtomicLong sent = new AtomicLong();
        Enumeration<InputStream> parts = Collections.enumeration(IntStream.rangeClosed(0, pods + 1)
                .mapToObj(i -> i == 0
                        ? "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"7\",\"continue\":\"next\"},\"items\":["
                        : i > pods ? "]}" : i == 1 ? "{}" : null)
                .map(text -> lazily(text, filler, sent))
                .toList());
        AtomicInteger read = new AtomicInteger();
        try (JsonParser json = JsonFields.factory().createParser(new SequenceInputStream(parts))) {
            PodListPage page = PodListPage.read(json, Set.of(), pod -> {
                read.incrementAndGet();
                assertThat(pod.cut()).isEmpty();
            });

            assertThat(page).isEqualTo(new PodListPage("7", "next"));
        }
        assertThat(read).hasValue(pods);
        assertThat(sent.get()).isGreaterThan((pods - 2L) << 20);
    }

    /** A text, or else a pod with a megabyte that nobody reads, which is made when it is its turn. */
    private static InputStream lazily(String text, String filler, AtomicLong sent) {
        return new InputStream() {
            private InputStream content;

            @Override
            public int read() {
                throw new UnsupportedOperationException("it is read in parts");
            }

            @Override
            public int read(byte[] buffer, int offset, int length) throws IOException {
                if (content == null) {
                    String pod = ",{\"metadata\":{\"name\":\"p\",\"annotations\":{\"a\":\"" + filler + "\"}}}";
                    content = new ByteArrayInputStream((text == null ? pod : text).getBytes(UTF_8));
                }
                int count = content.read(buffer, offset, length);
                sent.addAndGet(Math.max(0, count));
                return count;
            }
        };
    }

    private static String annotated(String name, int length) {
        return "{\"metadata\":{\"name\":\"web\",\"annotations\":{\"" + name + "\":\"" + "x".repeat(length) + "\"}}}";
    }

    private static BoundedPod read(String text) throws IOException {
        try (JsonParser json = JsonFields.factory().createParser(text)) {
            json.nextToken();
            return PodJson.read(json, Set.of());
        }
    }
}
