// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import dev.meshcni.core.spi.PodSource;
import dev.meshcni.redirect.Pod;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Predicate;

/** A source of the pods that a test lists. */
final class ListedPods implements PodSource {
    final List<Pod> pods = new ArrayList<>();
    Optional<String> notReady = Optional.empty();
    Optional<RuntimeException> failure = Optional.empty();

    @Override
    public Optional<Pod> find(String namespace, String name, String uid, Predicate<Pod> doubtful, Duration patience) {
        failure.ifPresent(e -> {
            throw e;
        });
        return pods.stream()
                .filter(pod -> pod.namespace().equals(namespace) && pod.name().equals(name))
                .filter(pod -> uid.isEmpty() || pod.hasUid(uid))
                .findFirst();
    }

    @Override
    public Optional<String> notReady() {
        return notReady;
    }

    @Override
    public void close() {}

    /** A pod with a sidecar and these annotations beside the one that the injector leaves. */
    static Pod injected(String namespace, String name, Map<String, String> annotations) {
        Map<String, String> all = new HashMap<>(annotations);
        all.put("sidecar.istio.io/status", "{}");
        Pod.Container proxy = new Pod.Container(
                "istio-proxy", List.of("proxy", "sidecar"), Map.of(), OptionalLong.empty(), OptionalLong.empty());
        return new Pod(namespace, name, "uid-of-" + name, Map.of(), all, false, List.of(), List.of(proxy));
    }
}
