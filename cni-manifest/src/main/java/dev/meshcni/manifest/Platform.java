// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import dev.meshcni.config.Yaml;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

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

    private static final String GOOGLE_CLOUD = "gcp";
    private static final String BIN = "/opt/cni/bin";
    private static final String CONF = "/etc/cni/net.d";
    private static final String NETNS = "/var/run/netns";
    private static final String K3S_CONF = "/var/lib/rancher/k3s/agent/etc/cni/net.d";

    /** The name in settings. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The names in settings, with that by which Istio calls Google's cloud: it says nothing about directories. */
    static Set<String> names() {
        Set<String> names = Arrays.stream(values()).map(Platform::label).collect(Collectors.toCollection(TreeSet::new));
        names.add(GOOGLE_CLOUD);
        return names;
    }

    /** The platform of a name in settings. */
    static Optional<Platform> named(String name) {
        return name.equals(GOOGLE_CLOUD)
                ? Optional.of(DEFAULT)
                : Arrays.stream(values())
                        .filter(platform -> platform.label().equals(name))
                        .findFirst();
    }

    /** A copy of the CNI's default values without those that are this platform's own. */
    Yaml.Mapping without(Yaml.Mapping defaults) {
        Set<String> own = switch (this) {
            case DEFAULT, EKS, AKS -> Set.of();
            case GKE -> Set.of("cniBinDir", "resourceQuotas");
            case OPENSHIFT ->
                Set.of("chained", "cniBinDir", "cniConfDir", "cniConfFileName", "provider", "seLinuxOptions");
            case K3S, K3D, MICROK8S -> Set.of("cniBinDir", "cniConfDir");
            case MINIKUBE -> Set.of("cniNetnsDir");
        };
        Map<String, Yaml.Entry> others = new LinkedHashMap<>(defaults.entries());
        others.keySet().removeAll(own);
        return new Yaml.Mapping(defaults.at(), others);
    }

    /** The node's directory of CNI plugins. */
    public String binDirectory() {
        return layout().bin();
    }

    /** The node's directory of CNI configuration. */
    public String confDirectory() {
        return layout().conf();
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
