// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import dev.meshcni.testkit.FakeApiServer;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodIP;
import io.fabric8.kubernetes.api.model.SecurityContext;
import io.fabric8.kubernetes.api.model.SecurityContextBuilder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Pods with everything that decides about their redirection, most of it well-formed. */
final class RandomPods {
    private static final String TRAFFIC = "traffic.sidecar.istio.io/";
    private static final String LONG = "10.0.0.0/8," + "192.0.2.0/24,".repeat(6000);

    private static final Map<String, List<String>> ANNOTATIONS = Map.of(
            TRAFFIC + "includeOutboundIPRanges",
            List.of("*", "", "10.0.0.0/8", "10.0.0.0/8, 2001:db8::/32", "nonsense", LONG),
            TRAFFIC + "excludeOutboundIPRanges",
            List.of("192.0.2.0/24", "10.1.2.3", "", "10.0.0.0/33"),
            TRAFFIC + "includeInboundPorts",
            List.of("*", "", "8080", "80,443"),
            TRAFFIC + "excludeInboundPorts",
            List.of("22", "", "8080,", "70000"),
            TRAFFIC + "excludeOutboundPorts",
            List.of("5432", "", "1-2"),
            TRAFFIC + "includeOutboundPorts",
            List.of("443", ""),
            TRAFFIC + "excludeInterfaces",
            List.of("net1", "net1,,net2", "a name"),
            "istio.io/reroute-virtual-interfaces",
            List.of("vnet0", ""),
            "sidecar.istio.io/interceptionMode",
            List.of("REDIRECT", "TPROXY", "NONE", "OTHER"),
            "sidecar.istio.io/inject",
            List.of("true", "false", "maybe"));

    private static final Map<String, List<String>> VARIABLES = Map.of(
            "ISTIO_META_DNS_CAPTURE", List.of("true", "false", "perhaps"),
            "ISTIO_DUAL_STACK", List.of("true", "false"),
            "INVALID_DROP", List.of("true", "1"),
            "ISTIO_OUTBOUND_OWNER_GROUPS", List.of("*", "1000,2000", "java"),
            "DISABLE_ENVOY", List.of("false", "true"));

    private static final List<List<String>> ADDRESSES = List.of(
            List.of("10.244.0.7"),
            List.of("2001:db8::7"),
            List.of("10.244.0.7", "2001:db8::7"),
            List.of("2001:db8::7", "10.244.0.7"));

    private final Random random;

    RandomPods(Random random) {
        this.random = random;
    }

    Pod next(String name) {
        Map<String, String> annotations = some(ANNOTATIONS, 12);
        if (!oneIn(12)) {
            annotations.put("sidecar.istio.io/status", "{}");
        }
        List<String> addresses = ADDRESSES.get(random.nextInt(ADDRESSES.size()));
        return new PodBuilder()
                .withNewMetadata()
                .withNamespace(oneIn(15) ? "kube-system" : "shop")
                .withName(name)
                .withUid("uid-of-" + name)
                .addToLabels(oneIn(15) ? Map.of("sidecar.istio.io/inject", "false") : Map.of("app", "web"))
                .withAnnotations(annotations)
                .endMetadata()
                .withNewSpec()
                .withNodeName(FakeApiServer.NODE)
                .withHostNetwork(oneIn(20) ? Boolean.TRUE : null)
                .withNewSecurityContext()
                .withRunAsUser(oneIn(5) ? Long.valueOf(3000) : null)
                .endSecurityContext()
                .withInitContainers(initContainers())
                .withContainers(containers())
                .endSpec()
                .withNewStatus()
                .withPodIP(addresses.getFirst())
                .withPodIPs(addresses.stream().map(PodIP::new).toList())
                .endStatus()
                .build();
    }

    private List<Container> initContainers() {
        return oneIn(15) ? List.of(new ContainerBuilder().withName("istio-init").build()) : List.of();
    }

    private List<Container> containers() {
        List<Container> containers = new ArrayList<>();
        containers.add(new ContainerBuilder()
                .withName("app")
                .withSecurityContext(user(oneIn(3) ? 2000L : null))
                .build());
        if (!oneIn(12)) {
            ContainerBuilder proxy = new ContainerBuilder()
                    .withName("istio-proxy")
                    .withArgs(oneIn(15) ? List.of("proxy", "router") : List.of("proxy", "sidecar"))
                    .withSecurityContext(user(oneIn(3) ? 1400L : null));
            some(VARIABLES, 6)
                    .forEach((key, value) ->
                            proxy.addNewEnv().withName(key).withValue(value).endEnv());
            containers.add(proxy.build());
        }
        return containers;
    }

    private static SecurityContext user(Long id) {
        return id == null
                ? null
                : new SecurityContextBuilder()
                        .withRunAsUser(id)
                        .withRunAsGroup(id)
                        .build();
    }

    private Map<String, String> some(Map<String, List<String>> all, int rarity) {
        Map<String, String> chosen = new HashMap<>();
        all.keySet().stream().sorted().filter(_ -> random.nextInt(rarity) < 2).forEach(key -> {
            List<String> values = all.get(key);
            chosen.put(key, values.get(random.nextInt(values.size())));
        });
        return chosen;
    }

    private boolean oneIn(int count) {
        return random.nextInt(count) == 0;
    }
}
