// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import java.util.Locale;

/** Kubernetes distributions whose nodes are not laid out like others; what settings say explicitly wins over them. */
public enum Platform {
    /** Directories as the Kubernetes documentation has them. */
    DEFAULT,
    /** Google Kubernetes Engine; elsewhere than in kube-system, pods of node-critical priority need a quota. */
    GKE,
    /** OpenShift, where Multus calls our plugin as a network of its own, and SELinux confines containers. */
    OPENSHIFT,
    /** K3s with its own flannel. */
    K3S,
    /** K3s in containers. */
    K3D,
    /** MicroK8s, installed as a snap. */
    MICROK8S,
    /** minikube with the Docker driver and cri-dockerd. */
    MINIKUBE,
    /** Amazon EKS. */
    EKS,
    /** Azure AKS. */
    AKS;

    /** Directories of a node. */
    record NodeLayout(String bin, String conf, String netns) {}

    private static final String BIN = "/opt/cni/bin";
    private static final String CONF = "/etc/cni/net.d";
    private static final String NETNS = "/var/run/netns";
    private static final String K3S_CONF = "/var/lib/rancher/k3s/agent/etc/cni/net.d";

    /** The name in settings. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    NodeLayout layout() {
        return switch (this) {
            case DEFAULT, EKS, AKS -> new NodeLayout(BIN, CONF, NETNS);
            case GKE -> new NodeLayout("/home/kubernetes/bin", CONF, NETNS);
            case OPENSHIFT -> new NodeLayout("/var/lib/cni/bin", CniValuesReader.MULTUS_CONF_DIR, NETNS);
            case K3S -> new NodeLayout("/var/lib/rancher/k3s/data/cni", K3S_CONF, NETNS);
            case K3D -> new NodeLayout("/bin", K3S_CONF, NETNS);
            case MICROK8S ->
                new NodeLayout(
                        "/var/snap/microk8s/current/opt/cni/bin", "/var/snap/microk8s/current/args/cni-network", NETNS);
            case MINIKUBE -> new NodeLayout(BIN, CONF, "/var/run/docker/netns");
        };
    }
}
