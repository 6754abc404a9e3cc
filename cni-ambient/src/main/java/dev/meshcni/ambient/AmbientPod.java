// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import static java.util.Objects.requireNonNull;

import dev.meshcni.ztunnel.WorkloadInfo;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;

/**
 * The part of a pod that its enrolment needs.
 *
 * @param uid {@code metadata.uid}: which pod it is. A name alone may be its successor's
 * @param namespace {@code metadata.namespace}
 * @param name {@code metadata.name}
 * @param serviceAccount {@code spec.serviceAccountName}
 * @param annotations those that say how its traffic is to be captured; its rules follow from them
 * @param addresses {@code status.podIPs}, or the addresses that the base CNI has given it
 */
public record AmbientPod(
        String uid,
        String namespace,
        String name,
        String serviceAccount,
        Map<String, String> annotations,
        List<InetAddress> addresses) {
    public AmbientPod {
        requireNonNull(uid, "uid is null");
        requireNonNull(namespace, "namespace is null");
        requireNonNull(name, "name is null");
        requireNonNull(serviceAccount, "serviceAccount is null");
        annotations = Map.copyOf(annotations);
        addresses = List.copyOf(addresses);
    }

    AmbientPod withAddresses(List<InetAddress> others) {
        return new AmbientPod(uid, namespace, name, serviceAccount, annotations, others);
    }

    WorkloadInfo info() {
        return new WorkloadInfo(name, namespace, serviceAccount);
    }

    /** As messages name it: {@code namespace/name (UID uid)}. */
    @Override
    public String toString() {
        return namespace + "/" + name + " (UID " + uid + ")";
    }
}
