// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

/** Pod manifests, in namespace {@code shop}. */
final class Manifests {
    private Manifests() {}

    /** A pod without a proxy. */
    static String plain(String name) {
        return """
                apiVersion: v1
                kind: Pod
                metadata:
                  name: %s
                  namespace: shop
                spec:
                  containers:
                    - name: app
                      image: app:1
                """.formatted(name);
    }

    /** A pod whose traffic is redirected. */
    static String injected(String name) {
        return pod(name, "", "");
    }

    static String withAnnotation(String name, String annotation, String value) {
        return pod(name, "    \"%s\": '%s'\n".formatted(annotation, value), "");
    }

    static String withProxyEnv(String name, String variable, String value) {
        return pod(name, "", "      env:\n        - name: %s\n          value: '%s'\n".formatted(variable, value));
    }

    private static String pod(String name, String annotations, String proxy) {
        return """
                apiVersion: v1
                kind: Pod
                metadata:
                  name: %s
                  namespace: shop
                  annotations:
                    sidecar.istio.io/status: '{}'
                """.formatted(name) + annotations + """
                spec:
                  containers:
                    - name: app
                      image: app:1
                    - name: istio-proxy
                      image: proxy:1
                      args: [proxy, sidecar]
                """ + proxy;
    }
}
