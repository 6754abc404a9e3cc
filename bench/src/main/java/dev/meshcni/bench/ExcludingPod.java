// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import dev.meshcni.redirect.Pod;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A pod with a sidecar that excludes ports and networks from redirection, as the engine sees it. */
final class ExcludingPod {
    private ExcludingPod() {}

    /** A pod that excludes so many ports and so many networks. No two of them touch, so that none can be merged. */
    static Pod of(int excluded) {
        Map<String, String> annotations = Map.of(
                "sidecar.istio.io/status", "{}",
                "traffic.sidecar.istio.io/excludeOutboundPorts",
                        IntStream.range(0, excluded)
                                .mapToObj(i -> String.valueOf(20_000 + 2 * i))
                                .collect(Collectors.joining(",")),
                "traffic.sidecar.istio.io/excludeOutboundIPRanges",
                        IntStream.range(0, excluded)
                                .mapToObj(i -> "10.%d.%d.0/25".formatted(i / 250, i % 250))
                                .collect(Collectors.joining(",")));
        Pod.Container proxy =
                new Pod.Container("istio-proxy", List.of(), Map.of(), OptionalLong.empty(), OptionalLong.empty());
        return new Pod("bench", "bench", "", Map.of(), annotations, false, List.of(), List.of(proxy));
    }
}
