// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import dev.meshcni.rules.CutField;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The part of a Kubernetes pod that the engine needs, and nothing more, so that a node's pods use little memory.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @param namespace {@code metadata.namespace}
 * @param name {@code metadata.name}
 * @param uid {@code metadata.uid}; empty where the source has none (a manifest in a file)
 * @param labels {@code metadata.labels}
 * @param annotations {@code metadata.annotations}
 * @param hostNetwork {@code spec.hostNetwork}: such a pod has no network namespace of its own
 * @param initContainers {@code spec.initContainers}; native sidecars stand here
 * @param containers {@code spec.containers}
 * @param staticUid the UID that the kubelet has given the static pod whose mirror this is ({@link MirrorPod}); empty
 *     for any other pod
 * @param serviceAccount {@code spec.serviceAccountName}, as the API server has completed it; empty where the source has
 *     none
 * @param cut what was too large to be kept; nothing can be decided about a pod with such a field
 * @since 0.1.0
 */
public record Pod(
        String namespace,
        String name,
        String uid,
        Map<String, String> labels,
        Map<String, String> annotations,
        boolean hostNetwork,
        List<Container> initContainers,
        List<Container> containers,
        String staticUid,
        String serviceAccount,
        List<CutField> cut) {
    public Pod {
        Objects.requireNonNull(namespace, "namespace is null");
        Objects.requireNonNull(name, "name is null");
        Objects.requireNonNull(uid, "uid is null");
        labels = Map.copyOf(labels);
        annotations = Map.copyOf(annotations);
        initContainers = List.copyOf(initContainers);
        containers = List.copyOf(containers);
        Objects.requireNonNull(staticUid, "staticUid is null");
        Objects.requireNonNull(serviceAccount, "serviceAccount is null");
        cut = List.copyOf(cut);
    }

    /** A whole pod that is not the mirror of a static pod, and whose service account is not known. */
    public Pod(
            String namespace,
            String name,
            String uid,
            Map<String, String> labels,
            Map<String, String> annotations,
            boolean hostNetwork,
            List<Container> initContainers,
            List<Container> containers) {
        this(namespace, name, uid, labels, annotations, hostNetwork, initContainers, containers, "", "", List.of());
    }

    /**
     * A container of the pod.
     *
     * @param name its name, unique in the pod
     * @param args its arguments
     * @param env environment variables that have a literal value
     * @param runAsUser its security context's user, else the pod's
     * @param runAsGroup its security context's group, else the pod's
     */
    public record Container(
            String name, List<String> args, Map<String, String> env, OptionalLong runAsUser, OptionalLong runAsGroup) {
        public Container {
            Objects.requireNonNull(name, "name is null");
            args = List.copyOf(args);
            env = Map.copyOf(env);
            Objects.requireNonNull(runAsUser, "runAsUser is null");
            Objects.requireNonNull(runAsGroup, "runAsGroup is null");
        }
    }

    /** {@code namespace/name}, as people write it. */
    public String qualifiedName() {
        return namespace + "/" + name;
    }

    /** A container or init container by its name. */
    public Optional<Container> container(String wanted) {
        return containers.stream()
                .filter(container -> container.name().equals(wanted))
                .findFirst()
                .or(() -> initContainer(wanted));
    }

    /** An init container by its name. */
    public Optional<Container> initContainer(String wanted) {
        return initContainers.stream()
                .filter(container -> container.name().equals(wanted))
                .findFirst();
    }

    /** Returns whether this is the mirror of a static pod: what the API does to it does not reach the pod that runs. */
    public boolean isMirror() {
        return !staticUid.isEmpty();
    }

    /** Returns whether a runtime that says {@code K8S_POD_UID} means this pod, or the static pod whose mirror it is. */
    public boolean hasUid(String runtimeUid) {
        return uid.isEmpty() || uid.equals(runtimeUid) || (isMirror() && staticUid.equals(runtimeUid));
    }
}
