// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

/** The taint cni.istio.io/not-ready of the node, changed as an administrator would. */
final class NodeTaints {
    private static final String KEY = "cni.istio.io/not-ready";

    private NodeTaints() {}

    static boolean isNotReady(Cluster cluster) {
        return cluster.node().getSpec().getTaints().stream()
                .anyMatch(taint -> taint.getKey().equals(KEY));
    }

    static void set(Cluster cluster) {
        Cluster.kubectl("", "taint", "nodes", name(cluster), KEY + "=:NoSchedule", "--overwrite");
    }

    /** Removes it if it is there, so that pods can be scheduled. */
    static void remove(Cluster cluster) {
        if (isNotReady(cluster)) {
            Cluster.kubectl("", "taint", "nodes", name(cluster), KEY + "-");
        }
    }

    private static String name(Cluster cluster) {
        return cluster.node().getMetadata().getName();
    }
}
