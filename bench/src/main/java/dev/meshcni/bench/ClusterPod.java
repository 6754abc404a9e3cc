// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.ManagedFieldsEntryBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.VolumeMount;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;

/** A pod as an API server shows it: some six kilobytes, of which an agent needs little. */
final class ClusterPod {
    static final String NODE = "bench-node";

    private static final int VARIABLES = 30;
    private static final int MOUNTS = 8;
    private static final int FIELDS = 40;

    private ClusterPod() {}

    /** The pod of a name, with a sidecar. */
    static Pod of(String name) {
        return with(name, container("app"), container("istio-proxy"));
    }

    /** The pod of a name, without a sidecar. */
    static Pod outside(String name) {
        return with(name, container("app"));
    }

    private static Pod with(String name, Container... containers) {
        return new PodBuilder()
                .withNewMetadata()
                .withNamespace("bench")
                .withName(name)
                .withUid(uid(name))
                .withResourceVersion("1")
                .addToLabels(Map.of("app", name, "pod-template-hash", "5d4f8c7b9", "version", "v1"))
                .addToAnnotations("sidecar.istio.io/status", "{\"revision\":\"default\"}")
                .addToAnnotations("traffic.sidecar.istio.io/excludeInboundPorts", "9090")
                .addToAnnotations("prometheus.io/path", "/stats/prometheus")
                .withManagedFields(new ManagedFieldsEntryBuilder()
                        .withManager("kubelet")
                        .withNewFieldsV1()
                        .addToAdditionalProperties(managedFields())
                        .endFieldsV1()
                        .build())
                .endMetadata()
                .withNewSpec()
                .withNodeName(NODE)
                .withServiceAccountName("default")
                .withContainers(containers)
                .endSpec()
                .withNewStatus()
                .withPhase("Pending")
                .endStatus()
                .build();
    }

    /** The UID of the pod of a name. */
    static String uid(String name) {
        return UUID.nameUUIDFromBytes(name.getBytes(UTF_8)).toString();
    }

    private static Container container(String name) {
        return new ContainerBuilder()
                .withName(name)
                .withImage("registry.invalid/bench/" + name + ":1.0.0")
                .withEnv(IntStream.range(0, VARIABLES)
                        .mapToObj(i -> new EnvVar("SETTING_" + i, "value-%d-of-%s".formatted(i, name), null))
                        .toList())
                .withVolumeMounts(
                        IntStream.range(0, MOUNTS).mapToObj(ClusterPod::mount).toList())
                .build();
    }

    private static VolumeMount mount(int number) {
        VolumeMount mount = new VolumeMount();
        mount.setName("volume-" + number);
        mount.setMountPath("/var/lib/bench/volume-" + number);
        return mount;
    }

    private static Map<String, Object> managedFields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        IntStream.range(0, FIELDS)
                .forEach(i -> fields.put("k:{\"type\":\"Condition%d\"}".formatted(i), Map.of("f:status", Map.of())));
        return fields;
    }
}
