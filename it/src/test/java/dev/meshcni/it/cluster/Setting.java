// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Optional;

/** What the caller says of the cluster, in environment variables; docs/cluster-tests.md lists them. */
enum Setting {
    /** The kubeconfig of an administrator. */
    KUBECONFIG,
    /** Words before a command line that make it run on the node, as root in the node's namespaces. */
    MESHCNI_NODE_EXEC,
    /** The client of containerd with its options; by default {@code ctr --namespace k8s.io}. */
    MESHCNI_NODE_CTR,
    /** Turns the node off at once. */
    MESHCNI_NODE_DOWN,
    /** Turns the node on, and ends when the API server answers. */
    MESHCNI_NODE_UP,
    /** Ends the API server. */
    MESHCNI_API_DOWN,
    /** Starts the API server, and ends when it answers. */
    MESHCNI_API_UP,
    /** A platform of {@code meshcni manifest}, if not its default. */
    MESHCNI_PLATFORM,
    /** How many pods start while the daemon is disturbed, in all tests together. */
    MESHCNI_CLUSTER_PODS,
    /** A file of manifests that install Multus. */
    MESHCNI_MULTUS_MANIFESTS,
    /** A file of manifests that install Calico, in place of the base CNI. */
    MESHCNI_CALICO_MANIFESTS,
    /** A file of manifests that install Istio's CNI node agent. */
    MESHCNI_ISTIO_CNI_MANIFESTS,
    /** A file of manifests that install istiod and ztunnel for ambient mode. */
    MESHCNI_ISTIO_AMBIENT_MANIFESTS;

    Optional<String> value() {
        return Optional.ofNullable(System.getenv(name())).filter(text -> !text.isBlank());
    }

    /** Its value; skips the test without one. */
    String needed() {
        assumeTrue(value().isPresent(), () -> "needs " + name() + ", which is not set");
        return value().orElseThrow();
    }
}
