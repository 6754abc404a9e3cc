// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import dev.meshcni.redirect.MirrorPod;
import dev.meshcni.redirect.Pod;
import dev.meshcni.rules.CutField;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.OwnerReference;
import io.fabric8.kubernetes.api.model.PodIP;
import io.fabric8.kubernetes.api.model.PodSecurityContext;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.fabric8.kubernetes.api.model.SecurityContext;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.stream.Stream;

/** Takes from the Kubernetes model of a pod what the engine reads. */
final class PodModel {
    private static final String DEFAULT_NAMESPACE = "default";

    private PodModel() {}

    /** The pod that the engine sees; what is absent becomes empty, an absent namespace {@code default}. */
    static Pod of(io.fabric8.kubernetes.api.model.Pod pod) {
        return of(pod, List.of());
    }

    /**
     * The same.
     *
     * @param cut the fields that were too large to be read
     */
    static Pod of(io.fabric8.kubernetes.api.model.Pod pod, List<CutField> cut) {
        ObjectMeta metadata = Objects.requireNonNullElseGet(pod.getMetadata(), ObjectMeta::new);
        PodSpec spec = Objects.requireNonNullElseGet(pod.getSpec(), PodSpec::new);
        Map<String, String> annotations = orEmpty(metadata.getAnnotations());
        return new Pod(
                Objects.requireNonNullElse(metadata.getNamespace(), DEFAULT_NAMESPACE),
                Objects.requireNonNullElse(metadata.getName(), ""),
                Objects.requireNonNullElse(metadata.getUid(), ""),
                orEmpty(metadata.getLabels()),
                annotations,
                Boolean.TRUE.equals(spec.getHostNetwork()),
                containers(spec, spec.getInitContainers()),
                containers(spec, spec.getContainers()),
                MirrorPod.staticUid(annotations, isOwnedByNode(metadata)),
                Objects.requireNonNullElse(spec.getServiceAccountName(), ""),
                cut);
    }

    /** The addresses of a pod as they are written, in order: {@code status.podIPs}, else {@code status.podIP}. */
    static Stream<String> addresses(PodStatus status) {
        List<PodIP> all = Objects.requireNonNullElse(status.getPodIPs(), List.of());
        return (all.isEmpty()
                        ? Stream.ofNullable(status.getPodIP())
                        : all.stream().map(PodIP::getIp))
                .filter(text -> !text.isEmpty());
    }

    private static boolean isOwnedByNode(ObjectMeta metadata) {
        return Objects.requireNonNullElse(metadata.getOwnerReferences(), List.<OwnerReference>of()).stream()
                .anyMatch(owner -> "Node".equals(owner.getKind()));
    }

    private static List<Pod.Container> containers(PodSpec spec, List<Container> containers) {
        return containers == null
                ? List.of()
                : containers.stream()
                        .map(container -> container(spec, container))
                        .toList();
    }

    private static Pod.Container container(PodSpec spec, Container container) {
        return new Pod.Container(
                Objects.requireNonNullElse(container.getName(), ""),
                Objects.requireNonNullElse(container.getArgs(), List.of()),
                env(container),
                id(spec, container, SecurityContext::getRunAsUser, PodSecurityContext::getRunAsUser),
                id(spec, container, SecurityContext::getRunAsGroup, PodSecurityContext::getRunAsGroup));
    }

    private static Map<String, String> env(Container container) {
        Map<String, String> literal = new HashMap<>();
        for (EnvVar variable : Objects.requireNonNullElse(container.getEnv(), List.<EnvVar>of())) {
            if (variable.getName() != null && variable.getValue() != null) {
                literal.put(variable.getName(), variable.getValue());
            }
        }
        return literal;
    }

    private static OptionalLong id(
            PodSpec spec,
            Container container,
            Function<SecurityContext, Long> own,
            Function<PodSecurityContext, Long> ofPod) {
        return Optional.ofNullable(container.getSecurityContext())
                .map(own)
                .or(() -> Optional.ofNullable(spec.getSecurityContext()).map(ofPod))
                .map(OptionalLong::of)
                .orElseGet(OptionalLong::empty);
    }

    private static Map<String, String> orEmpty(Map<String, String> map) {
        if (map == null) {
            return Map.of();
        }
        Map<String, String> present = new HashMap<>(map);
        present.values().removeIf(Objects::isNull);
        return present;
    }
}
