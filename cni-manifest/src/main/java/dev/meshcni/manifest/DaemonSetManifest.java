// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import static java.util.Objects.requireNonNullElse;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.telemetry.MonitoringOptions;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.EnvVarBuilder;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodSpecBuilder;
import io.fabric8.kubernetes.api.model.Probe;
import io.fabric8.kubernetes.api.model.ProbeBuilder;
import io.fabric8.kubernetes.api.model.SecurityContext;
import io.fabric8.kubernetes.api.model.SecurityContextBuilder;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeBuilder;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.VolumeMountBuilder;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.apps.DaemonSetBuilder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * The DaemonSet that runs {@code install-cni} on every node. Its name, and its pods' label {@code k8s-app}, are those
 * of Istio's own, so that one takes the other's place in one step.
 */
record DaemonSetManifest(CniValues values) {
    static final String PRIORITY = "system-node-critical";

    private static final String CONTAINER = "install-cni";

    /** The directory in which the daemon listens for ztunnel, whose pod has it at the same path. */
    private static final String ZTUNNEL = "/var/run/ztunnel";

    /**
     * The lock of all programs of the host that change tables of legacy iptables, as the daemon may for ambient mode.
     */
    private static final String XTABLES_LOCK = "/run/xtables.lock";

    /** The lists of a container that the manifests leave empty. */
    private static final List<String> CLEARED = List.of("args", "envFrom");

    /** The labels of the DaemonSet and its pods that settings cannot change. */
    static final Set<String> LABELS = Set.of(
            "app.kubernetes.io/name",
            "app.kubernetes.io/part-of",
            "app.kubernetes.io/version",
            "istio.io/dataplane-mode",
            "istio.io/rev",
            "k8s-app",
            "sidecar.istio.io/inject");

    /** The capabilities of the daemon; docs/security.md explains why each is needed. */
    private static final List<String> CAPABILITIES =
            List.of("CHOWN", "DAC_OVERRIDE", "FOWNER", "NET_ADMIN", "NET_RAW", "SYS_ADMIN", "SYS_CHROOT", "SYS_PTRACE");

    /** A directory or file of the host, and where it is mounted. */
    private record HostMount(String name, String path, String type, String mountPath, boolean readOnly) {
        Volume volume() {
            return new VolumeBuilder()
                    .withName(name)
                    .withNewHostPath(path, type)
                    .build();
        }

        VolumeMount mount() {
            return new VolumeMountBuilder()
                    .withName(name)
                    .withMountPath(mountPath)
                    .withReadOnly(readOnly ? Boolean.TRUE : null)
                    // Namespaces that come later are mounts below this directory.
                    .withMountPropagation(name.equals("cni-netns-dir") ? "HostToContainer" : null)
                    .build();
        }
    }

    DaemonSet resource() {
        return new DaemonSetBuilder()
                .withMetadata(new ObjectMetaBuilder(NodeManifests.metadata(values, NodeManifests.DAEMON_SET))
                        .addToLabels(values.pod().daemonSetLabels())
                        .build())
                .withNewSpec()
                .withNewSelector()
                .addToMatchLabels("k8s-app", NodeManifests.DAEMON_SET)
                .endSelector()
                .withUpdateStrategy(values.pod().updateStrategy())
                .withNewTemplate()
                .withNewMetadata()
                .withLabels(podLabels())
                .withAnnotations(podAnnotations())
                .endMetadata()
                .withSpec(podSpec())
                .endTemplate()
                .endSpec()
                .build();
    }

    private Map<String, String> podLabels() {
        Map<String, String> labels = new TreeMap<>(
                NodeManifests.clusterMetadata(values, NodeManifests.DAEMON_SET).getLabels());
        labels.put("istio.io/dataplane-mode", "none");
        labels.put("sidecar.istio.io/inject", "false");
        labels.putAll(values.pod().labels());
        return labels;
    }

    private Map<String, String> podAnnotations() {
        Map<String, String> annotations = new TreeMap<>();
        if (!hasAppArmorField()) {
            annotations.put("container.apparmor.security.beta.kubernetes.io/" + CONTAINER, "unconfined");
        }
        annotations.put("prometheus.io/path", "/metrics");
        annotations.put("prometheus.io/port", String.valueOf(MonitoringOptions.MONITORING_PORT));
        annotations.put("prometheus.io/scrape", "true");
        annotations.put("sidecar.istio.io/inject", "false");
        annotations.putAll(values.pod().annotations());
        return annotations;
    }

    /** AppArmor's default profile denies access to processes of other pods. */
    private boolean hasAppArmorField() {
        return values.kubernetes().map(KubernetesVersion::hasAppArmorField).orElse(true);
    }

    private PodSpec podSpec() {
        Map<String, String> nodeSelector = new LinkedHashMap<>(Map.of("kubernetes.io/os", "linux"));
        values.pod().architecture().ifPresent(name -> nodeSelector.put("kubernetes.io/arch", name));
        nodeSelector.putAll(values.pod().nodeSelector());
        return new PodSpecBuilder()
                .withServiceAccountName(NodeManifests.NAME)
                .withPriorityClassName(values.pod().priorityClass())
                .withNodeSelector(nodeSelector)
                .withAffinity(values.pod().affinity().orElse(null))
                .withTolerations(values.pod().tolerations())
                .withTerminationGracePeriodSeconds((long) values.pod().graceSeconds())
                .withSecurityContext(values.pod().additions().security().orElse(null))
                .withContainers(container())
                .withVolumes(hostMounts().stream().map(HostMount::volume).toList())
                .addAllToVolumes(values.pod().additions().volumes())
                .build();
    }

    private Container container() {
        return new ContainerBuilder()
                .withName(CONTAINER)
                .withImage(values.image().reference())
                .withImagePullPolicy(values.image().pullPolicy())
                .withCommand(NodeManifests.PROGRAM)
                .withTerminationMessagePolicy("FallbackToLogsOnError")
                .withEnv(variables())
                .addAllToEnv(values.pod().additions().env())
                .addNewPort()
                .withName("metrics")
                .withContainerPort(MonitoringOptions.MONITORING_PORT)
                .withProtocol("TCP")
                .endPort()
                .addNewPort()
                .withName("health")
                .withContainerPort(MonitoringOptions.HEALTH_PORT)
                .withProtocol("TCP")
                .endPort()
                .withStartupProbe(startup())
                .withReadinessProbe(readiness())
                .withLivenessProbe(probe("/healthz", 6))
                .withResources(values.pod().resources())
                .withSecurityContext(securityContext())
                .withVolumeMounts(hostMounts().stream().map(HostMount::mount).toList())
                .addAllToVolumeMounts(values.pod().additions().mounts())
                .build();
    }

    /** The usual probe with what settings change in it. */
    private Probe readiness() {
        Probe usual = probe("/readyz", 3);
        return values.pod()
                .additions()
                .readiness()
                .map(set -> new ProbeBuilder(set)
                        .withHttpGet(hasHandler(set) ? set.getHttpGet() : usual.getHttpGet())
                        .withPeriodSeconds(requireNonNullElse(set.getPeriodSeconds(), usual.getPeriodSeconds()))
                        .withTimeoutSeconds(requireNonNullElse(set.getTimeoutSeconds(), usual.getTimeoutSeconds()))
                        .withFailureThreshold(
                                requireNonNullElse(set.getFailureThreshold(), usual.getFailureThreshold()))
                        .build())
                .orElse(usual);
    }

    private static boolean hasHandler(Probe probe) {
        return Stream.of(probe.getExec(), probe.getGrpc(), probe.getHttpGet(), probe.getTcpSocket())
                .anyMatch(Objects::nonNull);
    }

    private SecurityContext securityContext() {
        SecurityContextBuilder context = new SecurityContextBuilder()
                .withPrivileged(values.pod().privileged())
                .withRunAsUser(0L)
                .withRunAsGroup(0L)
                .withRunAsNonRoot(false)
                .withReadOnlyRootFilesystem(true)
                .withSeccompProfile(values.pod().seccomp())
                .withSeLinuxOptions(values.pod().seLinux().orElse(null))
                .withNewCapabilities()
                .withDrop("ALL")
                .withAdd(CAPABILITIES)
                .endCapabilities();
        return (hasAppArmorField() ? context.withNewAppArmorProfile(null, "Unconfined") : context).build();
    }

    private List<HostMount> hostMounts() {
        String create = "DirectoryOrCreate";
        Platform.NodeLayout node = values.node();
        List<HostMount> mounts = new ArrayList<>(List.of(
                new HostMount("cni-bin-dir", node.bin(), create, "/host/opt/cni/bin", false),
                new HostMount("cni-net-dir", node.conf(), create, "/host/etc/cni/net.d", false),
                new HostMount("cni-run-dir", "/var/run/istio-cni", create, "/var/run/istio-cni", false),
                new HostMount("cni-netns-dir", node.netns(), create, "/host" + node.netns(), true),
                new HostMount("cni-host-procfs", "/proc", "Directory", "/host/proc", true)));
        if (values.ambient().isPresent()) {
            mounts.add(new HostMount("cni-ztunnel-sock-dir", ZTUNNEL, create, ZTUNNEL, false));
            mounts.add(new HostMount("cni-xtables-lock", XTABLES_LOCK, "FileOrCreate", XTABLES_LOCK, false));
        }
        return mounts;
    }

    /** Plain values: a container whose variables come from a ConfigMap cannot start while the API server is away. */
    private List<EnvVar> variables() {
        List<EnvVar> variables = new ArrayList<>(List.of(
                field("NODE_NAME", "spec.nodeName"),
                field("POD_NAME", "metadata.name"),
                field("POD_NAMESPACE", "metadata.namespace"),
                field("REPAIR_NODE_NAME", "spec.nodeName")));
        DaemonEnvironment.of(values).forEach((name, value) -> variables.add(new EnvVar(name, value, null)));
        return variables;
    }

    /**
     * A DaemonSet with the empty lists of its containers written down. Applied over Istio's, an absent list keeps what
     * that one has: arguments that this daemon does not know, and variables of a ConfigMap.
     */
    static ObjectNode withEmptyLists(ObjectNode daemonSet) {
        daemonSet
                .at("/spec/template/spec/containers")
                .forEach(container -> CLEARED.forEach(list -> ((ObjectNode) container).putArray(list)));
        return daemonSet;
    }

    private static EnvVar field(String name, String path) {
        return new EnvVarBuilder()
                .withName(name)
                .withNewValueFrom()
                .withNewFieldRef(null, path)
                .endValueFrom()
                .build();
    }

    /** A node that starts has much to do: killing the daemon meanwhile would only have it begin again. */
    private static Probe startup() {
        return new ProbeBuilder(probe("/healthz", 300)).withPeriodSeconds(1).build();
    }

    private static Probe probe(String path, int failures) {
        return new ProbeBuilder()
                .withNewHttpGet()
                .withPath(path)
                .withNewPort(MonitoringOptions.HEALTH_PORT)
                .endHttpGet()
                .withPeriodSeconds(10)
                .withTimeoutSeconds(5)
                .withFailureThreshold(failures)
                .build();
    }
}
