// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ztunnel;

import static java.util.Objects.requireNonNull;

/**
 * The names by which ztunnel finds a pod's identity among what istiod has told it ({@code WorkloadInfo}).
 *
 * @param name {@code metadata.name}
 * @param namespace {@code metadata.namespace}
 * @param serviceAccount {@code spec.serviceAccountName}, as the API server has completed it
 */
public record WorkloadInfo(String name, String namespace, String serviceAccount) {
    public WorkloadInfo {
        requireNonNull(name, "name is null");
        requireNonNull(namespace, "namespace is null");
        requireNonNull(serviceAccount, "serviceAccount is null");
    }

    /** As Kubernetes writes it: {@code namespace/name}. */
    @Override
    public String toString() {
        return namespace + "/" + name;
    }
}
