// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import static java.util.Objects.requireNonNull;

import dev.meshcni.kubernetes.NodePod;
import dev.meshcni.kubernetes.NodePodReader;
import dev.meshcni.manifest.NodeManifests;
import dev.meshcni.redirect.RedirectPolicy;
import dev.meshcni.repair.RepairSettings;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeProjection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A pod of a cluster, with what {@code meshcni doctor} reads of it: a cluster has many.
 *
 * @param mesh what the engine and repair read
 * @param nodeName the node it is scheduled to; empty if there is none
 * @param serviceAccount its ServiceAccount; empty if it has none
 * @param hasToken whether a token of the ServiceAccount is projected into it
 * @param isMirror whether it stands for a static pod, which no admission controller has seen as others
 * @param networks the annotation by which Multus attaches it to networks; empty without
 * @param whole all of it, where it is one of the control plane or of a CNI's daemon
 */
record ClusterPod(
        NodePod mesh,
        String nodeName,
        String serviceAccount,
        boolean hasToken,
        boolean isMirror,
        String networks,
        Optional<Pod> whole) {
    private static final String MIRROR = "kubernetes.io/config.mirror";
    private static final RepairSettings.CrashSign NOT_REDIRECTED =
            new RepairSettings.CrashSign(RepairSettings.VALIDATION, RepairSettings.VALIDATION_FAILED, "");
    private static final NodePodReader READER = new NodePodReader(_ -> true, RepairSettings.LABEL_KEY);

    ClusterPod {
        requireNonNull(mesh, "mesh is null");
        requireNonNull(nodeName, "nodeName is null");
        requireNonNull(serviceAccount, "serviceAccount is null");
        requireNonNull(networks, "networks is null");
        requireNonNull(whole, "whole is null");
    }

    static ClusterPod of(Pod pod) {
        ObjectMeta metadata = Objects.requireNonNullElseGet(pod.getMetadata(), ObjectMeta::new);
        PodSpec spec = Objects.requireNonNullElseGet(pod.getSpec(), PodSpec::new);
        Map<String, String> labels = Objects.requireNonNullElse(metadata.getLabels(), Map.of());
        Map<String, String> annotations = Objects.requireNonNullElse(metadata.getAnnotations(), Map.of());
        boolean kept = NodeManifests.DAEMON_SET.equals(labels.get("k8s-app")) || "istiod".equals(labels.get("app"));
        return new ClusterPod(
                READER.read(pod),
                Objects.requireNonNullElse(spec.getNodeName(), ""),
                Objects.requireNonNullElse(spec.getServiceAccountName(), ""),
                volumes(spec).anyMatch(ClusterPod::isToken),
                annotations.containsKey(MIRROR),
                Objects.requireNonNullElse(annotations.get(NodeManifests.NETWORKS_ANNOTATION), ""),
                kept ? Optional.of(pod) : Optional.empty());
    }

    /** {@code namespace/name}. */
    String key() {
        return mesh.key();
    }

    String namespace() {
        return mesh.pod().namespace();
    }

    AttachedNetworks attachedNetworks() {
        return AttachedNetworks.of(networks, namespace());
    }

    boolean isLive() {
        return mesh.stage() == NodePod.Stage.LIVE;
    }

    /** Returns whether a container of the pod itself redirects its traffic. */
    boolean redirectsItself() {
        return mesh.pod().initContainers().stream()
                .anyMatch(container -> container.name().equals(RedirectPolicy.INIT_CONTAINER));
    }

    /** Returns whether a sidecar was injected that needs the CNI to redirect the pod's traffic. */
    boolean needsCni() {
        return isLive()
                && mesh.pod().annotations().containsKey(RedirectPolicy.STATUS)
                && !mesh.proxyImage().isEmpty()
                && !redirectsItself();
    }

    /** Returns whether its validation has found no redirection. */
    boolean failsValidation() {
        return isLive() && NOT_REDIRECTED.matches(mesh);
    }

    private static Stream<Volume> volumes(PodSpec spec) {
        return Objects.requireNonNullElse(spec.getVolumes(), List.<Volume>of()).stream();
    }

    private static boolean isToken(Volume volume) {
        return volume.getProjected() != null
                && Objects.requireNonNullElse(volume.getProjected().getSources(), List.<VolumeProjection>of()).stream()
                        .anyMatch(source -> source.getServiceAccountToken() != null);
    }
}
