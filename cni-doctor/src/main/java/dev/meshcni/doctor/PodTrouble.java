// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import dev.meshcni.core.OneLine;
import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStateTerminated;
import io.fabric8.kubernetes.api.model.ContainerStateWaiting;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** Why the container of a pod does not run, as the kubelet has it: an image that cannot be pulled, or how it ended. */
final class PodTrouble {
    private static final Set<String> ON_THE_WAY = Set.of("ContainerCreating", "PodInitializing");

    /** Messages of registries and stack traces can be long. */
    private static final int LONGEST = 300;

    /** How the daemon's errors begin, which it prints before it ends; the kubelet keeps the end of its log. */
    private static final String ERROR = "install-cni: ";

    private PodTrouble() {}

    /** The reason; empty if its containers run, or are on their way. */
    static Optional<String> of(Pod pod) {
        return containers(pod)
                .flatMap(container -> waiting(container)
                        .map(waiting -> waiting.getReason()
                                + ending(container)
                                        .or(() -> text(waiting.getMessage()))
                                        .map(why -> ": " + why)
                                        .orElse(""))
                        .stream())
                .findFirst();
    }

    /** The same also between two attempts: how a container that is not ready has ended before. */
    static Optional<String> orEnding(Pod pod) {
        return of(pod).or(() -> containers(pod)
                .filter(container -> !Boolean.TRUE.equals(container.getReady()))
                .flatMap(container -> ending(container).stream())
                .findFirst());
    }

    /** How a container ended the last time; empty if it has not. */
    static Optional<String> ending(ContainerStatus container) {
        return Optional.ofNullable(container.getLastState())
                .map(ContainerState::getTerminated)
                .map(end -> "exit code " + end.getExitCode() + " (" + end.getReason() + ")" + lastWords(end));
    }

    private static String lastWords(ContainerStateTerminated end) {
        List<String> lines = Objects.requireNonNullElse(end.getMessage(), "")
                .lines()
                .filter(Predicate.not(String::isBlank))
                .toList();
        return lines.stream()
                .filter(line -> line.startsWith(ERROR))
                .findFirst()
                .or(() -> lines.isEmpty() ? Optional.empty() : Optional.of(lines.getLast()))
                .flatMap(PodTrouble::text)
                .map(words -> ", " + words)
                .orElse("");
    }

    private static Optional<ContainerStateWaiting> waiting(ContainerStatus container) {
        return Optional.ofNullable(container.getState())
                .map(ContainerState::getWaiting)
                .filter(waiting -> waiting.getReason() != null && !ON_THE_WAY.contains(waiting.getReason()));
    }

    private static Stream<ContainerStatus> containers(Pod pod) {
        return pod.getStatus() == null
                ? Stream.empty()
                : Stream.of(
                                pod.getStatus().getInitContainerStatuses(),
                                pod.getStatus().getContainerStatuses())
                        .filter(Objects::nonNull)
                        .flatMap(List::stream);
    }

    private static Optional<String> text(String message) {
        return Optional.ofNullable(message)
                .map(OneLine::of)
                .filter(Predicate.not(String::isBlank))
                .map(line -> line.length() > LONGEST ? line.substring(0, LONGEST) + "..." : line);
    }
}
