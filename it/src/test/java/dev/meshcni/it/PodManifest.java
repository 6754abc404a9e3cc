// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A pod as the API server would know it.
 *
 * @param injected whether it has a sidecar
 * @param proxyEnvironment environment of the sidecar, if any
 */
record PodManifest(
        String namespace,
        String name,
        String uid,
        boolean injected,
        Map<String, String> annotations,
        Map<String, String> proxyEnvironment) {
    private static final ObjectMapper JSON = new ObjectMapper();

    PodManifest {
        annotations = Map.copyOf(annotations);
        proxyEnvironment = Map.copyOf(proxyEnvironment);
    }

    /** A pod with a sidecar, as the injection webhook leaves it. */
    static PodManifest injected(String namespace, String name, String uid) {
        return new PodManifest(namespace, name, uid, true, Map.of("sidecar.istio.io/status", "{}"), Map.of());
    }

    /** A pod that the mesh does not know. */
    static PodManifest plain(String namespace, String name, String uid) {
        return new PodManifest(namespace, name, uid, false, Map.of(), Map.of());
    }

    PodManifest annotated(String annotation, String value) {
        return new PodManifest(namespace, name, uid, injected, with(annotations, annotation, value), proxyEnvironment);
    }

    PodManifest proxyEnvironment(String variable, String value) {
        return new PodManifest(namespace, name, uid, injected, annotations, with(proxyEnvironment, variable, value));
    }

    String json() {
        Map<String, Object> app = Map.of("name", "app", "image", "localhost/app:1");
        Map<String, Object> proxy = Map.of(
                "name",
                "istio-proxy",
                "image",
                "localhost/proxy:1",
                "args",
                List.of("proxy", "sidecar"),
                "env",
                proxyEnvironment.entrySet().stream()
                        .map(variable -> Map.of("name", variable.getKey(), "value", variable.getValue()))
                        .toList());
        Map<String, Object> pod = Map.of(
                "apiVersion",
                "v1",
                "kind",
                "Pod",
                "metadata",
                Map.of("namespace", namespace, "name", name, "uid", uid, "annotations", annotations),
                "spec",
                Map.of("containers", injected ? List.of(app, proxy) : List.of(app)));
        try {
            return JSON.writeValueAsString(pod);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Map<String, String> with(Map<String, String> map, String key, String value) {
        Map<String, String> more = new LinkedHashMap<>(map);
        more.put(key, value);
        return more;
    }
}
