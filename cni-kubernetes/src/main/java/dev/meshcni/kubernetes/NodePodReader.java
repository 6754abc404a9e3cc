// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import static java.util.Objects.requireNonNull;

import dev.meshcni.redirect.AnnotationParser;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.PodFields;
import dev.meshcni.redirect.RedirectPolicy;
import dev.meshcni.redirect.UnreadAnnotations;
import dev.meshcni.rules.CutField;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStateTerminated;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.OwnerReference;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodStatus;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Takes from a pod of the API server what is kept of it. A pod there is tens of kilobytes, most of it annotations of
 * tools and containers that have nothing to do with the network; a few hundred bytes are left.
 */
public final class NodePodReader {
    private final Predicate<io.fabric8.kubernetes.api.model.Pod> selection;
    private final Set<String> selectors;
    private final Set<String> keptLabels;

    /**
     * @param selection which pods repair means, by what the engine reads
     * @param keptLabel a label to keep in addition to those that the engine reads
     */
    public NodePodReader(Predicate<io.fabric8.kubernetes.api.model.Pod> selection, String keptLabel) {
        this(selection, Set.of(), Set.of(keptLabel));
    }

    /**
     * @param selection which pods repair means
     * @param keptLabel a label to keep in addition to those that the engine reads
     */
    public NodePodReader(PodSelection selection, String keptLabel) {
        this(selection, selection.names(), Set.of(keptLabel));
    }

    private NodePodReader(
            Predicate<io.fabric8.kubernetes.api.model.Pod> selection, Set<String> selectors, Set<String> keptLabels) {
        this.selection = requireNonNull(selection, "selection is null");
        this.keptLabels = Set.copyOf(keptLabels);
        Set<String> names = new HashSet<>(selectors);
        names.addAll(keptLabels);
        this.selectors = Set.copyOf(names);
    }

    /** The same reader that keeps further labels. */
    public NodePodReader keeping(Set<String> labels) {
        Set<String> kept = new HashSet<>(keptLabels);
        kept.addAll(labels);
        return new NodePodReader(selection, selectors, kept);
    }

    /** Names of labels and annotations to read in addition to those of the engine. */
    Set<String> selectors() {
        return selectors;
    }

    public NodePod read(io.fabric8.kubernetes.api.model.Pod pod) {
        return read(new BoundedPod(pod, List.of()));
    }

    NodePod read(BoundedPod bounded) {
        io.fabric8.kubernetes.api.model.Pod pod = bounded.pod();
        PodStatus status = Objects.requireNonNullElseGet(pod.getStatus(), PodStatus::new);
        return new NodePod(
                reduced(PodModel.of(pod), keptLabels, bounded.cut()),
                Objects.requireNonNullElse(pod.getMetadata().getResourceVersion(), ""),
                stage(pod, status),
                Stream.concat(statuses(status.getInitContainerStatuses()), statuses(status.getContainerStatuses()))
                        .anyMatch(NodePodReader::hasStarted),
                statuses(status.getInitContainerStatuses())
                        .flatMap(container -> crash(container).stream())
                        .toList(),
                proxyImage(Objects.requireNonNullElseGet(pod.getSpec(), PodSpec::new)),
                controller(pod.getMetadata()),
                addresses(status),
                selection.test(pod),
                false);
    }

    /** The same pod to the engine, in less memory. */
    static Pod reduced(Pod pod, Set<String> keptLabels, List<CutField> cut) {
        return new Pod(
                pod.namespace(),
                pod.name(),
                pod.uid(),
                kept(pod.labels(), name -> keptLabels.contains(name) || PodFields.LABELS.contains(name)),
                kept(
                        pod.annotations(),
                        name -> PodFields.ANNOTATIONS.contains(name) || UnreadAnnotations.isMistake(name)),
                pod.hostNetwork(),
                pod.initContainers().stream().map(NodePodReader::reduced).toList(),
                pod.containers().stream().map(NodePodReader::reduced).toList(),
                pod.staticUid(),
                pod.serviceAccount(),
                cut);
    }

    private static Pod.Container reduced(Pod.Container container) {
        if (!container.name().equals(AnnotationParser.PROXY_CONTAINER)) {
            return new Pod.Container(container.name(), List.of(), Map.of(), OptionalLong.empty(), OptionalLong.empty());
        }
        Map<String, String> env = new HashMap<>(container.env());
        env.keySet().retainAll(PodFields.VARIABLES);
        return new Pod.Container(
                container.name(),
                container.args().stream().limit(PodFields.PROXY_ARGS).toList(),
                env,
                container.runAsUser(),
                container.runAsGroup());
    }

    private static Map<String, String> kept(Map<String, String> entries, Predicate<String> names) {
        Map<String, String> kept = new HashMap<>(entries);
        kept.keySet().removeIf(names.negate());
        kept.replaceAll((name, value) -> UnreadAnnotations.isMistake(name) ? "" : value);
        kept.computeIfPresent(RedirectPolicy.STATUS, (_, _) -> "");
        return kept;
    }

    private static NodePod.Stage stage(io.fabric8.kubernetes.api.model.Pod pod, PodStatus status) {
        if (pod.getMetadata().getDeletionTimestamp() != null) {
            return NodePod.Stage.TERMINATING;
        }
        boolean finished = "Succeeded".equals(status.getPhase()) || "Failed".equals(status.getPhase());
        return finished ? NodePod.Stage.FINISHED : NodePod.Stage.LIVE;
    }

    private static Stream<ContainerStatus> statuses(List<ContainerStatus> statuses) {
        return statuses == null ? Stream.empty() : statuses.stream();
    }

    private static boolean hasStarted(ContainerStatus status) {
        return status.getContainerID() != null && !status.getContainerID().isEmpty();
    }

    /** Those of {@code status.podIPs}; what is no address says nothing. */
    private static List<InetAddress> addresses(PodStatus status) {
        return PodModel.addresses(status)
                .flatMap(text -> address(text).stream())
                .toList();
    }

    private static Optional<InetAddress> address(String text) {
        try {
            return Optional.of(InetAddress.ofLiteral(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** A container that has ended well is never a crash, whatever it did before. */
    private static Optional<NodePod.Crash> crash(ContainerStatus status) {
        Optional<ContainerStateTerminated> now = terminated(status.getState());
        if (now.isPresent() && !failed(now.get())) {
            return Optional.empty();
        }
        return terminated(status.getLastState())
                .or(() -> now)
                .filter(NodePodReader::failed)
                .map(end -> new NodePod.Crash(
                        status.getName(),
                        end.getExitCode(),
                        Objects.requireNonNullElse(end.getMessage(), "").strip()));
    }

    private static Optional<ContainerStateTerminated> terminated(ContainerState state) {
        return Optional.ofNullable(state).map(ContainerState::getTerminated);
    }

    private static boolean failed(ContainerStateTerminated end) {
        return end.getExitCode() != null && end.getExitCode() != 0 && !"Completed".equals(end.getReason());
    }

    private static String proxyImage(PodSpec spec) {
        return Stream.concat(containers(spec.getInitContainers()), containers(spec.getContainers()))
                .filter(container -> AnnotationParser.PROXY_CONTAINER.equals(container.getName()))
                .map(container -> Objects.requireNonNullElse(container.getImage(), ""))
                .findFirst()
                .orElse("");
    }

    /** The UID of what makes a new pod when this one goes; empty if nothing does. */
    private static String controller(ObjectMeta metadata) {
        return Objects.requireNonNullElse(metadata.getOwnerReferences(), List.<OwnerReference>of()).stream()
                .filter(owner -> Boolean.TRUE.equals(owner.getController()))
                .map(owner -> Objects.requireNonNullElse(owner.getUid(), ""))
                .findFirst()
                .orElse("");
    }

    private static Stream<Container> containers(List<Container> containers) {
        return containers == null ? Stream.empty() : containers.stream();
    }
}
