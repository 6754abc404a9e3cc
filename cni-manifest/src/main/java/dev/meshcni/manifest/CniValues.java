// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import static java.util.Objects.requireNonNull;

import io.fabric8.kubernetes.api.model.Affinity;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PodSecurityContext;
import io.fabric8.kubernetes.api.model.Probe;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import io.fabric8.kubernetes.api.model.SELinuxOptions;
import io.fabric8.kubernetes.api.model.SeccompProfile;
import io.fabric8.kubernetes.api.model.Toleration;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.apps.DaemonSetUpdateStrategy;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The settings of an installation on a cluster: the values {@code values.cni} of Istio's charts, understood.
 *
 * @param namespace where the daemon runs
 * @param revision label of the resources; the CNI itself is one for all revisions
 * @param kubernetes the version of the cluster; empty for one of today
 * @param scope which resources are printed
 * @param ambient the ambient mode, which enrols pods in the mesh of their node's ztunnel; empty where it is off
 * @param networkPolicy whether a NetworkPolicy admits what the daemon serves
 * @param quota how many pods of node-critical priority a ResourceQuota in the namespace allows; empty for none
 */
record CniValues(
        String namespace,
        String revision,
        Image image,
        Platform.NodeLayout node,
        Plugin plugin,
        Logging logging,
        Repair repair,
        Optional<Ambient> ambient,
        DaemonPod pod,
        Monitoring monitoring,
        boolean openShift,
        Optional<KubernetesVersion> kubernetes,
        Scope scope,
        boolean networkPolicy,
        OptionalInt quota) {
    CniValues {
        requireNonNull(namespace, "namespace is null");
        requireNonNull(revision, "revision is null");
        requireNonNull(image, "image is null");
        requireNonNull(node, "node is null");
        requireNonNull(plugin, "plugin is null");
        requireNonNull(logging, "logging is null");
        requireNonNull(repair, "repair is null");
        requireNonNull(ambient, "ambient is null");
        requireNonNull(pod, "pod is null");
        requireNonNull(monitoring, "monitoring is null");
        requireNonNull(kubernetes, "kubernetes is null");
        requireNonNull(scope, "scope is null");
        requireNonNull(quota, "quota is null");
    }

    /**
     * The resources that watch the daemons.
     *
     * @param podMonitor how Prometheus's operator scrapes them; empty if it does not
     * @param alerts the alerts; empty without alerts
     * @param dashboard whether there is a dashboard for Grafana
     */
    record Monitoring(Optional<PodMonitor> podMonitor, Optional<Alerts> alerts, boolean dashboard) {}

    /** The alerts, by the labels of their resource and the page that says what to do. */
    record Alerts(Map<String, String> labels, Optional<String> runbook) {}

    /** A PodMonitor, by its labels and the interval between two scrapes. */
    record PodMonitor(Map<String, String> labels, String interval) {}

    /** The resources of an installation, which two people may own: those of the cluster, and those of a namespace. */
    enum Scope {
        ALL,
        CLUSTER,
        NAMESPACE;

        boolean includes(HasMetadata resource) {
            boolean isNamespaced = resource.getMetadata().getNamespace() != null;
            return this == ALL || (this == NAMESPACE) == isNamespaced;
        }
    }

    /** The image of the daemon. */
    record Image(String reference, String pullPolicy, List<String> pullSecrets) {}

    /**
     * How the plugin is installed.
     *
     * @param owned the copy of the base CNI's file that it is chained in, if that is not the base CNI's file itself
     * @param multus whether Multus calls it as a network of its own
     * @param env more variables of install-cni, which win over those made from other settings
     */
    record Plugin(
            boolean chained,
            Optional<String> confName,
            Optional<OwnedConf> owned,
            boolean multus,
            List<String> excludedNamespaces,
            boolean nativeNftables,
            boolean nodeTaint,
            Map<String, String> env) {}

    /**
     * A copy of the base CNI's file.
     *
     * @param name its name, unless it is the daemon's default
     */
    record OwnedConf(Optional<String> name) {}

    /** The log levels of the plugin and of the daemon. */
    record Logging(String plugin, String daemon, boolean json) {}

    /** The repair settings for pods without redirection. */
    record Repair(boolean enabled, Mode mode, String initContainer, String labelKey, String labelValue) {
        /** The ways to deal with such a pod. */
        enum Mode {
            REPAIR,
            DELETE,
            LABEL,
            REPORT
        }
    }

    /**
     * The settings of ambient mode; the daemon has a default for each that is empty.
     *
     * @param selectors which pods are in it, as JSON
     * @param dnsCapture whether ztunnel answers DNS queries of pods
     * @param ipv6 whether IPv6 is redirected
     * @param systemNamespace the namespace of ztunnel
     */
    record Ambient(
            Optional<String> selectors,
            Optional<Boolean> dnsCapture,
            Optional<Boolean> ipv6,
            Optional<String> systemNamespace) {}

    /**
     * The pod of the daemon, as far as it can be set.
     *
     * @param architecture that of the image, by Kubernetes' name; empty for an image of all that there are nodes of
     * @param nodeSelector more labels that a node must have
     */
    record DaemonPod(
            boolean privileged,
            Map<String, String> daemonSetLabels,
            Map<String, String> labels,
            Map<String, String> annotations,
            Optional<Affinity> affinity,
            Optional<String> architecture,
            Map<String, String> nodeSelector,
            String priorityClass,
            List<Toleration> tolerations,
            ResourceRequirements resources,
            SeccompProfile seccomp,
            Optional<SELinuxOptions> seLinux,
            DaemonSetUpdateStrategy updateStrategy,
            int graceSeconds,
            Additions additions) {}

    /** What settings add to the pod of the daemon, or set in it instead of the usual. */
    record Additions(
            List<EnvVar> env,
            Optional<Probe> readiness,
            Optional<PodSecurityContext> security,
            List<Volume> volumes,
            List<VolumeMount> mounts) {}
}
