// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.core.spi.PodSourceException;
import dev.meshcni.redirect.Pod;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class ManifestPodSourceTest {
    private static final String WEB = """
            apiVersion: v1
            kind: Pod
            metadata:
              name: web
              namespace: shop
              uid: 11-22
              annotations:
                sidecar.istio.io/status: "{}"
            spec:
              securityContext:
                runAsUser: 3000
              initContainers:
              - name: istio-proxy
                args: [proxy, sidecar]
                env:
                - name: ISTIO_META_DNS_CAPTURE
                  value: "true"
                - name: POD_NAME
                  valueFrom:
                    fieldRef:
                      fieldPath: metadata.name
                securityContext:
                  runAsGroup: 4000
              containers:
              - name: app
            ---
            apiVersion: v1
            kind: Service
            metadata:
              name: web
            ---
            apiVersion: v1
            kind: Pod
            metadata:
              name: batch
              namespace: shop
            spec:
              containers:
              - name: job
            """;

    @TempDir
    private Path directory;

    @Test
    void whatWasReadAheadIsNotReadAgainWhenItIsLookedFor() throws IOException {
        Path file = Files.writeString(directory.resolve("pods.yaml"), WEB);
        FileTime written = Files.getLastModifiedTime(file);
        try (ManifestPodSource source = new ManifestPodSource(directory)) {
            source.readAhead();
            Files.writeString(file, WEB.replace("uid: 11-22", "uid: 33-44"));
            Files.setLastModifiedTime(file, written);

            assertThat(source.find("shop", "web", "", _ -> false, Duration.ZERO).map(Pod::uid))
                    .contains("11-22");
        }
    }

    @Test
    void thatNothingCanBeReadAheadIsNoFailure() {
        try (ManifestPodSource source = new ManifestPodSource(directory.resolve("none"))) {
            source.readAhead();

            assertThat(source.notReady()).isPresent();
        }
    }

    @Test
    void allPodsOfAFileAreKnown() throws IOException {
        Files.writeString(directory.resolve("shop.yaml"), WEB);

        Pod web = find("web", "11-22").orElseThrow();

        Pod.Container proxy = web.container("istio-proxy").orElseThrow();
        assertThat(web.annotations()).containsEntry("sidecar.istio.io/status", "{}");
        assertThat(proxy.args()).containsExactly("proxy", "sidecar");
        assertThat(proxy.env()).containsExactly(Map.entry("ISTIO_META_DNS_CAPTURE", "true"));
        assertThat(proxy.runAsUser()).hasValue(3000);
        assertThat(proxy.runAsGroup()).hasValue(4000);
        assertThat(find("batch", "")).isPresent();
    }

    @Test
    void aPodOfAnotherUidOrNamespaceIsNotTheOne() throws IOException {
        Files.writeString(directory.resolve("shop.yaml"), WEB);

        assertThat(find("web", "33-44")).isEmpty();
        try (ManifestPodSource source = new ManifestPodSource(directory)) {
            assertThat(source.find("other", "web", "", Duration.ZERO)).isEmpty();
        }
    }

    @Test
    void aPodWithoutUidStandsForAny() throws IOException {
        Files.writeString(directory.resolve("shop.yaml"), WEB);

        assertThat(find("batch", "33-44")).isPresent();
    }

    @Test
    void aPodThatComesLaterIsWaitedFor() throws Exception {
        try (ManifestPodSource source = new ManifestPodSource(directory)) {
            Thread writer = Thread.ofVirtual().start(() -> write(directory.resolve("shop.yaml"), WEB));

            assertThat(source.find("shop", "web", "", Duration.ofSeconds(30))).isPresent();
            writer.join();
        }
    }

    @Test
    void aChangedFileIsReadAgain() throws IOException {
        Path file = Files.writeString(directory.resolve("shop.yaml"), WEB);
        try (ManifestPodSource source = new ManifestPodSource(directory)) {
            assertThat(source.find("shop", "web", "", Duration.ZERO)).isPresent();
            Files.writeString(file, WEB.replace("name: web", "name: website"));

            assertThat(source.find("shop", "web", "", Duration.ZERO)).isEmpty();
            assertThat(source.find("shop", "website", "", Duration.ZERO)).isPresent();
        }
    }

    @Test
    void aFileThatIsNoManifestHidesNoOther() throws IOException {
        Files.writeString(directory.resolve("a.yaml"), "kind: [Pod\n");
        Files.writeString(directory.resolve("notes.txt"), "not read");
        Files.writeString(directory.resolve("shop.yaml"), WEB);

        assertThat(find("web", "")).isPresent();
    }

    @Test
    void aPipeIsNotWaitedFor() throws Exception {
        assertThat(new ProcessBuilder("mkfifo", directory.resolve("a.yaml").toString())
                        .start()
                        .waitFor())
                .isZero();
        Files.writeString(directory.resolve("shop.yaml"), WEB);

        assertThat(find("web", "")).isPresent();
    }

    @Test
    void aMissingDirectoryIsNotReady() {
        try (ManifestPodSource source = new ManifestPodSource(directory.resolve("none"))) {
            assertThat(source.notReady())
                    .hasValueSatisfying(reason -> assertThat(reason)
                            .contains(directory.resolve("none").toString()));
            assertThatThrownBy(() -> source.find("shop", "web", "", Duration.ZERO))
                    .isInstanceOf(PodSourceException.class);
        }
    }

    private Optional<Pod> find(String name, String uid) {
        try (ManifestPodSource source = new ManifestPodSource(directory)) {
            return source.find("shop", name, uid, Duration.ZERO);
        }
    }

    private static void write(Path file, String text) {
        try {
            Files.writeString(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
