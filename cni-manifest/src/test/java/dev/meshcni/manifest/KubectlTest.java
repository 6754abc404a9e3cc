// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.fabric8.mockwebserver.MockWebServer;
import io.fabric8.mockwebserver.http.Dispatcher;
import io.fabric8.mockwebserver.http.MockResponse;
import io.fabric8.mockwebserver.http.RecordedRequest;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * kubectl takes what is printed, without a cluster: {@code --dry-run=client} asks an API server for nothing but which
 * resources there are, and that is answered here.
 */
class KubectlTest {
    private static final Map<String, Map<String, String>> RESOURCES = Map.of(
            "v1",
                    Map.of(
                            "ServiceAccount", "serviceaccounts",
                            "ResourceQuota", "resourcequotas"),
            "apps/v1", Map.of("DaemonSet", "daemonsets"),
            "rbac.authorization.k8s.io/v1",
                    Map.of(
                            "Role", "roles",
                            "RoleBinding", "rolebindings",
                            "ClusterRole", "clusterroles",
                            "ClusterRoleBinding", "clusterrolebindings"),
            "k8s.cni.cncf.io/v1", Map.of("NetworkAttachmentDefinition", "network-attachment-definitions"));

    @TempDir
    private Path directory;

    private final AtomicReference<String> patched = new AtomicReference<>();
    private String live = "";
    private MockWebServer apiServer;

    @BeforeEach
    void startApiServer() throws IOException {
        boolean installed = Arrays.stream(System.getenv("PATH").split(":", -1))
                .anyMatch(entry -> Files.isExecutable(Path.of(entry, "kubectl")));
        assumeTrue(installed, "needs kubectl, which is not installed");
        apiServer = new MockWebServer();
        apiServer.setDispatcher(new Dispatcher() {
            @Override
            public MockResponse dispatch(RecordedRequest request) {
                return answer(request);
            }
        });
        apiServer.start(InetAddress.getLoopbackAddress(), 0);
    }

    @AfterEach
    void stopApiServer() {
        if (apiServer != null) {
            apiServer.shutdown();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"default", "gke", "openshift", "cni-alone"})
    void takesTheResources(String example) throws IOException, InterruptedException {
        NodeManifests manifests = manifests(example);
        Path file = Files.writeString(directory.resolve("manifests.yaml"), manifests.yaml());

        String names = kubectl("create", "--dry-run=client", "--validate=false", "-o", "name", "-f", file.toString());

        assertThat(names.lines()).hasSize(manifests.resources().size()).contains("daemonset.apps/istio-cni-node");
    }

    @Test
    void applyingOverIstiosDaemonSetRemovesWhatThisDaemonDoesNotKnow() throws IOException, InterruptedException {
        live = resource("/istio-daemonset.yaml");
        Path file = Files.writeString(directory.resolve("daemonset.yaml"), daemonSetOf(manifests("default")));

        kubectl("apply", "--validate=false", "--openapi-patch=false", "-f", file.toString());

        Path before = Files.writeString(directory.resolve("live.yaml"), live);
        Path patch = Files.writeString(directory.resolve("patch.json"), patched.get());
        String after = kubectl(
                "patch",
                "--local",
                "--type=strategic",
                "-o",
                "json",
                "-f",
                before.toString(),
                "--patch-file",
                patch.toString());
        DaemonSet merged = Serialization.unmarshal(after, DaemonSet.class);
        Container container =
                merged.getSpec().getTemplate().getSpec().getContainers().getFirst();
        assertThat(container.getCommand()).containsExactly(NodeManifests.PROGRAM);
        assertThat(container.getArgs()).isEmpty();
        assertThat(container.getEnvFrom()).isEmpty();
        assertThat(container.getEnv()).extracting(EnvVar::getName).doesNotHaveDuplicates();
        assertThat(container.getEnv())
                .filteredOn(variable -> variable.getName().equals("NODE_NAME"))
                .singleElement()
                .satisfies(variable -> assertThat(variable.getValue()).isNull());
        assertThat(container.getVolumeMounts())
                .extracting(VolumeMount::getMountPath)
                .doesNotHaveDuplicates();
        assertThat(merged.getSpec().getUpdateStrategy().getRollingUpdate().getMaxUnavailable())
                .isEqualTo(new IntOrString(0));
        assertThat(merged.getSpec().getUpdateStrategy().getRollingUpdate().getMaxSurge())
                .isEqualTo(new IntOrString(1));
    }

    private static String daemonSetOf(NodeManifests manifests) {
        return Arrays.stream(manifests.yaml().split("(?m)^---$", -1))
                .filter(document -> document.contains("kind: DaemonSet") || document.contains("kind: \"DaemonSet\""))
                .findFirst()
                .orElseThrow();
    }

    private static String resource(String name) throws IOException {
        try (InputStream in = KubectlTest.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), UTF_8);
        }
    }

    private static NodeManifests manifests(String example) throws IOException {
        try (InputStream in = KubectlTest.class.getResourceAsStream("/operators/" + example + ".yaml")) {
            return NodeManifests.of(new ManifestInput(
                    List.of(new ManifestInput.Document(example, new String(in.readAllBytes(), UTF_8))),
                    List.of(),
                    Optional.empty(),
                    Optional.empty()));
        }
    }

    private String kubectl(String... arguments) throws IOException, InterruptedException {
        Path err = directory.resolve("err");
        ProcessBuilder builder = new ProcessBuilder("kubectl");
        builder.command().addAll(List.of(arguments));
        builder.command().add("--server=http://127.0.0.1:" + apiServer.getPort());
        builder.command().add("--cache-dir=" + directory);
        builder.environment().put("HOME", directory.toString());
        builder.environment().put("KUBECONFIG", directory.resolve("none").toString());
        Process process = builder.redirectError(err.toFile()).start();
        process.getOutputStream().close();
        String out = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(Files.readString(err)).isZero();
        return out;
    }

    private MockResponse answer(RecordedRequest request) {
        if (URI.create(request.getPath()).getPath().endsWith("/daemonsets/istio-cni-node")) {
            if (request.getMethod().equals("PATCH")) {
                patched.set(request.getBody().readUtf8());
            }
            return new MockResponse()
                    .setResponseCode(200)
                    .setHeader("Content-Type", "application/json")
                    .setBody(Serialization.asJson(Serialization.unmarshal(live, DaemonSet.class)));
        }
        Object body = discovery(URI.create(request.getPath()).getPath());
        return new MockResponse()
                .setResponseCode(body.equals(Map.of()) ? 404 : 200)
                .setHeader("Content-Type", "application/json")
                .setBody(Serialization.asJson(body));
    }

    private static Object discovery(String path) {
        return switch (path) {
            case "/version" -> Map.of("major", "1", "minor", "32", "gitVersion", "v1.32.0");
            case "/api" -> Map.of("kind", "APIVersions", "versions", List.of("v1"));
            case "/apis" ->
                Map.of(
                        "kind",
                        "APIGroupList",
                        "apiVersion",
                        "v1",
                        "groups",
                        RESOURCES.keySet().stream()
                                .filter(version -> version.contains("/"))
                                .map(KubectlTest::group)
                                .toList());
            default -> resources(path.replaceFirst("^/apis?/", ""));
        };
    }

    private static Object group(String groupVersion) {
        Map<String, String> version =
                Map.of("groupVersion", groupVersion, "version", groupVersion.replaceFirst(".*/", ""));
        return Map.of(
                "name",
                groupVersion.replaceFirst("/.*", ""),
                "versions",
                List.of(version),
                "preferredVersion",
                version);
    }

    private static Object resources(String groupVersion) {
        if (!RESOURCES.containsKey(groupVersion)) {
            return Map.of();
        }
        return Map.of(
                "kind",
                "APIResourceList",
                "apiVersion",
                "v1",
                "groupVersion",
                groupVersion,
                "resources",
                RESOURCES.get(groupVersion).entrySet().stream()
                        .map(resource -> Map.of(
                                "name",
                                resource.getValue(),
                                "singularName",
                                "",
                                "kind",
                                resource.getKey(),
                                "namespaced",
                                !resource.getKey().startsWith("Cluster"),
                                "verbs",
                                List.of("create", "get", "patch")))
                        .toList());
    }
}
