// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The list of settings that the manifests go by, and values for each kind of them. */
final class IstioSettings {
    private static final Path FILE =
            Path.of("../cni-manifest/src/main/resources/dev/meshcni/manifest/istio-settings.txt");

    private IstioSettings() {}

    /** One setting. */
    record Setting(String path, String kind, String use) {
        boolean isValue() {
            return path.startsWith("values.");
        }

        boolean decides() {
            return use.equals("read") || use.equals("own");
        }

        /** Values as they are written in YAML, all of which are valid. */
        List<String> samples() {
            return IstioSettings.samples(path, kind);
        }
    }

    static List<Setting> all() {
        try {
            return Files.readAllLines(FILE).stream()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .map(line -> line.strip().split(" +", -1))
                    .map(columns -> new Setting(columns[0], columns[1], columns[2]))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<String> samples(String path, String kind) {
        return switch (kind) {
            case "affinity" ->
                List.of(
                        "{nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Exists}]}]}}}",
                        "{}");
            case "architecture" -> List.of("arm64", "any", "amd64", "\"\"");
            case "anything" -> List.of("{a: [1, {b: c}], d: 4294967295}", "text", "[.5, 0899]", "yes", "");
            case "count" -> List.of("2", "10%", "\"3\"", "0");
            case "directory" -> List.of("/srv/cni", "/srv/cni//", "\"\"", "");
            case "env" -> List.of("[{name: POD_WAIT_SECONDS, value: \"20\"}]", "[]");
            case "false" -> List.of("false", "no");
            case "file" -> List.of("99-mesh.conflist", "\"\"");
            case "flag" -> List.of("true", "false", "yes", "off", "");
            case "hub" -> List.of("registry.example.com/mesh", "localhost:5000", "\"\"");
            case "image" -> List.of("mine", "registry.example.com/mesh/cni@sha256:12");
            case "injected" -> List.of("{k8s.v1.cni.cncf.io/networks: default/istio-cni}", "{a: b}", "{}", "");
            case "labels" -> List.of("{team: mesh, count: 5, big: 1000000, is: true}", "{}", "{none: }");
            case "level" -> List.of("debug", "warn", "none", "fatal", "\"\"");
            case "levels" ->
                List.of(
                        "debug",
                        "all:warn",
                        "none",
                        "\"default:info,cni-agent:debug\"",
                        "\"default:warn,cni:debug\"",
                        "\"grpc:none\"",
                        "\"all:error,cni-plugin:debug\"",
                        "\"cni-agent:debug, all:error\"",
                        "\"\"");
            case "map" -> List.of("{example.com/a: b, count: 5, is: on, empty: \"\", big: 1000000}", "{}", "{none: }");
            case "mounts" -> List.of("[{name: more, mountPath: /more}]");
            case "number" -> List.of("7", "0", "1000000");
            case "overlays" ->
                List.of(
                        "[{kind: DaemonSet, name: istio-cni-node, patches: [{path: spec.minReadySeconds, value: 3}]}]",
                        "[]");
            case "platform" ->
                List.of("gke", "openshift", "k3s", "k3d", "microk8s", "minikube", "eks", "aks", "gcp", "\"\"");
            case "pod-security" -> List.of("{fsGroup: 5}");
            case "probe" -> List.of("{periodSeconds: 3}");
            case "profile" ->
                path.startsWith("values.")
                        ? List.of(
                                "openshift",
                                "demo",
                                "remote",
                                "stable",
                                "preview",
                                "platform-k3s",
                                "platform-gke",
                                "ambient",
                                "openshift-ambient",
                                "\"\"")
                        : List.of("demo", "default", "minimal", "empty", "ambient", "openshift-ambient");
            case "provider" -> List.of("multus", "default");
            case "pull-policy" -> List.of("Always", "Never", "IfNotPresent", "\"\"");
            case "resources" -> List.of("{limits: {memory: 1Gi, cpu: 2}, requests: {cpu: 10m}}", "{}", "");
            case "scope" -> List.of("cluster", "namespace", "all", "undefined");
            case "seccomp" -> List.of("{type: Unconfined}", "{type: Localhost, localhostProfile: a.json}", "{}");
            case "secrets" -> List.of("[a, b]", "[]");
            case "selinux" -> List.of("{type: spc_t, level: s0}", "{}");
            case "text" -> List.of("mine", "\"1.10\"", "5", "1000000", "");
            case "texts" -> List.of("[a, b]", "[]", "[kube-system]");
            case "selectors" ->
                List.of(
                        "[{podSelector: {matchLabels: {a: b}}}]",
                        "[{namespaceSelector: {matchExpressions: [{key: a, operator: NotIn, values: [b, c]}]}}, {}]",
                        "[]",
                        "");
            case "tolerations" -> List.of("[{key: a, operator: Exists, effect: NoSchedule}]", "[]");
            case "update-strategy" ->
                List.of("{type: OnDelete}", "{type: RollingUpdate, rollingUpdate: {maxUnavailable: 10%}}");
            case "variables" -> List.of("{POD_WAIT_SECONDS: 20, BIG: 1000000, IS: yes, EMPTY: \"\"}", "{}", "{NONE: }");
            case "volumes" -> List.of("[{name: more, emptyDir: {}}]");
            default -> throw new IllegalStateException(path + " has the unknown kind " + kind);
        };
    }
}
