// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect.testkit;

import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.RedirectPolicy;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/** Pods for tests: an injected one, and changes to it. */
public final class Pods {
    private Pods() {}

    public static Pod injected(Map<String, String> annotations, Map<String, String> proxyEnv) {
        return new Pod(
                "shop",
                "cart",
                "",
                Map.of(),
                annotations,
                false,
                List.of(),
                List.of(container("app"), proxy(proxyEnv, List.of("proxy", "sidecar"))));
    }

    public static Pod injected() {
        return injected(Map.of(RedirectPolicy.STATUS, "{}"), Map.of());
    }

    public static Pod.Container container(String name) {
        return new Pod.Container(name, List.of(), Map.of(), OptionalLong.empty(), OptionalLong.empty());
    }

    public static Pod.Container proxy(Map<String, String> env, List<String> args) {
        return new Pod.Container("istio-proxy", args, env, OptionalLong.empty(), OptionalLong.empty());
    }
}
