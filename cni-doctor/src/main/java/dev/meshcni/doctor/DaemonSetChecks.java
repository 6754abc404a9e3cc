// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import dev.meshcni.config.ProductVersion;
import dev.meshcni.kubernetes.NodeSelection;
import dev.meshcni.manifest.NodeManifests;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeSpec;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Taint;
import io.fabric8.kubernetes.api.model.Toleration;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.apps.DaemonSetStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Checks that the DaemonSet exists, is the only installer, has been rolled out, and covers the nodes. */
final class DaemonSetChecks {
    private static final String NAME = NodeManifests.DAEMON_SET;

    private DaemonSetChecks() {}

    static List<Check> of(ClusterView view) {
        return view.daemonSets().checks("DaemonSet " + NAME, sets -> of(sets, view));
    }

    private static List<Check> of(List<DaemonSet> sets, ClusterView view) {
        Optional<DaemonSet> found = view.daemonSet();
        List<Check> checks = new ArrayList<>();
        found.ifPresentOrElse(set -> checks.addAll(of(set, view)), () -> {
            checks.add(missing(view));
            attached(view).ifPresent(checks::add);
        });
        List<String> others = sets.stream()
                .filter(set -> !found.equals(Optional.of(set)))
                .filter(DaemonSetChecks::isInstaller)
                .map(DaemonSetChecks::key)
                .toList();
        if (!others.isEmpty()) {
            checks.add(Check.error(
                    "another installer of istio-cni rewrites the nodes' configuration: " + Names.few(others),
                    "delete all but one of these DaemonSets"));
        }
        return checks;
    }

    private static Check missing(ClusterView view) {
        String where =
                view.wantedNamespace().map(name -> " in namespace " + name).orElse("");
        String what = "DaemonSet " + NAME + " not found" + where;
        String remedy = "install it: docs/install.md"
                + view.wantedNamespace()
                        .map(_ -> "; without --namespace, all namespaces are searched")
                        .orElse("");
        List<String> waiting = view.pods().known().orElse(List.of()).stream()
                .filter(ClusterPod::needsCni)
                .map(ClusterPod::key)
                .toList();
        return waiting.isEmpty()
                ? Check.warning(what, remedy)
                : Check.error(
                        what + ", and " + Names.count(waiting.size(), "injected pod") + " without istio-init need it ("
                                + Names.few(waiting) + ")",
                        remedy);
    }

    /** Pods that have outlived an uninstallation which was not chained. */
    private static Optional<Check> attached(ClusterView view) {
        List<String> attached = view.pods().known().orElse(List.of()).stream()
                .filter(pod -> !pod.attachedNetworks().ours().isEmpty())
                .map(ClusterPod::key)
                .toList();
        return Optional.of(attached)
                .filter(pods -> !pods.isEmpty())
                .map(pods -> Check.warning(
                        Names.count(pods.size(), "pod") + " attached to the network " + NodeManifests.NETWORK
                                + " of Multus without its plugin: " + Names.few(pods)
                                + "; where Multus has retryDeleteOnError, they cannot be deleted",
                        "install it again, then remove the annotation " + NodeManifests.NETWORKS_ANNOTATION
                                + " and restart the pods: docs/uninstall.md"));
    }

    private static List<Check> of(DaemonSet set, ClusterView view) {
        List<Check> checks = new ArrayList<>();
        checks.add(product(set));
        checks.add(rollout(set, view.agents()));
        checks.addAll(view.nodes()
                .checks(
                        "nodes without the daemon",
                        nodes -> view.pods().checks("nodes without the daemon", _ -> uncovered(set, nodes, view))));
        view.agents().stream()
                .map(DaemonSetChecks::restarts)
                .flatMap(Optional::stream)
                .forEach(checks::add);
        return checks;
    }

    private static Check product(DaemonSet set) {
        Optional<Container> installer = containers(set)
                .filter(container -> Objects.requireNonNullElse(container.getCommand(), List.of())
                        .contains(NodeManifests.PROGRAM))
                .findFirst();
        if (installer.isEmpty()) {
            return Check.warning(
                    "DaemonSet " + key(set) + " runs another product (" + images(set) + ")",
                    "it may be Istio's CNI; see docs/migrating.md for the migration");
        }
        String image = Objects.requireNonNullElse(installer.get().getImage(), "");
        String tag = image.substring(image.lastIndexOf('/') + 1);
        String version = ProductVersion.text();
        return tag.endsWith(":" + version) || tag.contains("@") || !tag.contains(":")
                ? Check.ok("DaemonSet " + key(set) + " runs " + image)
                : Check.warning(
                        "DaemonSet " + key(set) + " runs " + image + ", this meshcni is version " + version,
                        "use the meshcni of that version, or upgrade: docs/upgrade.md");
    }

    private static Check rollout(DaemonSet set, List<Pod> agents) {
        DaemonSetStatus status = Objects.requireNonNullElseGet(set.getStatus(), DaemonSetStatus::new);
        int desired = orZero(status.getDesiredNumberScheduled());
        int ready = orZero(status.getNumberReady());
        int updated = orZero(status.getUpdatedNumberScheduled());
        String what = "DaemonSet " + key(set) + ": of " + Names.count(desired, "pod") + ", " + ready + " ready, "
                + updated + " up to date";
        String look = "kubectl get pods --namespace " + set.getMetadata().getNamespace() + " --selector k8s-app=" + NAME
                + " --output wide";
        if (ready < desired) {
            return Check.error(what + ": pods of the mesh cannot start on the other nodes", look);
        }
        if (desired == 0) {
            return Check.warning(what, "it runs on no node: check its nodeSelector");
        }
        if (updated >= desired) {
            return Check.ok(what);
        }
        boolean stuck = agents.stream().anyMatch(pod -> PodTrouble.orEnding(pod).isPresent());
        return Check.warning(
                what + (stuck ? ": a pod of the upgrade does not start" : ": an upgrade is in progress"), look);
    }

    private static List<Check> uncovered(DaemonSet set, List<Node> nodes, ClusterView view) {
        Set<String> covered = view.agents().stream()
                .flatMap(pod -> ClusterView.nodeName(pod).stream())
                .collect(Collectors.toSet());
        return nodes.stream()
                .filter(node -> !covered.contains(node.getMetadata().getName()))
                .map(node -> uncovered(set, node, view))
                .toList();
    }

    private static Check uncovered(DaemonSet set, Node node, ClusterView view) {
        String name = node.getMetadata().getName();
        List<String> bypassing = view.pods().known().orElse(List.of()).stream()
                .filter(pod -> name.equals(pod.nodeName()) && pod.needsCni())
                .map(ClusterPod::key)
                .toList();
        Optional<String> excluded = exclusion(set, node);
        String what = "node " + name + " has no daemon: " + excluded.orElse("its labels and taints do not explain it");
        String remedy = excluded.isPresent()
                ? "allow the DaemonSet on the node, or keep pods of the mesh off it"
                : "see its events, such as of Pod Security or a quota: kubectl describe daemonset --namespace "
                        + set.getMetadata().getNamespace() + " "
                        + set.getMetadata().getName();
        return bypassing.isEmpty()
                ? Check.warning(what, remedy)
                : Check.error(
                        what + "; " + Names.count(bypassing.size(), "injected pod") + " there without it ("
                                + Names.few(bypassing) + ")",
                        remedy);
    }

    private static Optional<String> exclusion(DaemonSet set, Node node) {
        NodeSelection selection = NodeSelection.of(set);
        if (!selection.includes(node)) {
            Map<String, String> labels =
                    Objects.requireNonNullElse(node.getMetadata().getLabels(), Map.of());
            List<String> missing = selection.labels().entrySet().stream()
                    .filter(wanted -> !wanted.getValue().equals(labels.get(wanted.getKey())))
                    .map(wanted -> wanted.getKey() + "=" + wanted.getValue())
                    .toList();
            return Optional.of(
                    missing.isEmpty()
                            ? "the DaemonSet's node affinity excludes it"
                            : "it lacks the label " + Names.few(missing) + " of the nodeSelector");
        }
        return Optional.of(untolerated(set, node))
                .filter(taints -> !taints.isEmpty())
                .map(taints -> "its taint " + Names.few(taints) + " is not tolerated");
    }

    private static List<String> untolerated(DaemonSet set, Node node) {
        List<Toleration> tolerations =
                Objects.requireNonNullElse(set.getSpec().getTemplate().getSpec().getTolerations(), List.of());
        return Optional.ofNullable(node.getSpec()).map(NodeSpec::getTaints).orElse(List.of()).stream()
                .filter(taint -> !"PreferNoSchedule".equals(taint.getEffect()))
                .filter(taint -> tolerations.stream().noneMatch(toleration -> tolerates(toleration, taint)))
                .map(taint -> taint.getKey() + ":" + taint.getEffect())
                .toList();
    }

    /** As the scheduler has it (Kubernetes documentation, "Taints and Tolerations"). */
    private static boolean tolerates(Toleration toleration, Taint taint) {
        boolean effect =
                isEmpty(toleration.getEffect()) || toleration.getEffect().equals(taint.getEffect());
        boolean key = isEmpty(toleration.getKey()) || toleration.getKey().equals(taint.getKey());
        boolean value = "Exists".equals(toleration.getOperator())
                || Objects.requireNonNullElse(toleration.getValue(), "")
                        .equals(Objects.requireNonNullElse(taint.getValue(), ""));
        return effect && key && value;
    }

    private static Optional<Check> restarts(Pod pod) {
        if (pod.getStatus() == null || pod.getStatus().getContainerStatuses() == null) {
            return Optional.empty();
        }
        return pod.getStatus().getContainerStatuses().stream()
                .filter(container -> orZero(container.getRestartCount()) > 0)
                .map(container -> Check.warning(
                        "the daemon of node " + ClusterView.nodeName(pod).orElse("") + " was restarted "
                                + Names.count(container.getRestartCount(), "time")
                                + PodTrouble.ending(container)
                                        .map(end -> ", last after " + end)
                                        .orElse(""),
                        "kubectl logs --previous --namespace "
                                + pod.getMetadata().getNamespace() + " "
                                + pod.getMetadata().getName()))
                .findFirst();
    }

    private static boolean isInstaller(DaemonSet set) {
        Map<String, String> labels =
                Objects.requireNonNullElse(set.getMetadata().getLabels(), Map.of());
        return NAME.equals(set.getMetadata().getName())
                || NAME.equals(labels.get("k8s-app"))
                || containers(set)
                        .anyMatch(container -> "install-cni".equals(container.getName())
                                && Objects.requireNonNullElse(container.getImage(), "")
                                        .contains("istio"));
    }

    private static String images(DaemonSet set) {
        return containers(set).map(Container::getImage).collect(Collectors.joining(", "));
    }

    private static Stream<Container> containers(DaemonSet set) {
        return Optional.ofNullable(set.getSpec())
                .map(spec -> spec.getTemplate().getSpec())
                .map(PodSpec::getContainers)
                .orElse(List.of())
                .stream();
    }

    private static String key(DaemonSet set) {
        return set.getMetadata().getNamespace() + "/" + set.getMetadata().getName();
    }

    private static int orZero(Integer number) {
        return number == null ? 0 : number;
    }

    private static boolean isEmpty(String text) {
        return text == null || text.isEmpty();
    }
}
