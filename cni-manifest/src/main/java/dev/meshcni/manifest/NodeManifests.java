// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.config.ManifestException;
import dev.meshcni.config.ProductVersion;
import dev.meshcni.telemetry.MonitoringOptions;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.GenericKubernetesResourceBuilder;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.LocalObjectReference;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceQuotaBuilder;
import io.fabric8.kubernetes.api.model.ServiceAccountBuilder;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The Kubernetes resources of an installation on a cluster, in the order in which they are to be made. */
public final class NodeManifests {
    static final String NAME = "istio-cni";

    /** The name of the DaemonSet, and the value of its pods' label {@code k8s-app}. */
    public static final String DAEMON_SET = NAME + "-node";

    /** The program of the DaemonSet's container. */
    public static final String PROGRAM = "/opt/mesh-cni/bin/install-cni";

    /** The variable of the container that is {@code true} in ambient mode. */
    public static final String AMBIENT_ENABLED = DaemonEnvironment.AMBIENT_ENABLED;

    /** The NetworkAttachmentDefinition by which Multus calls the plugin. */
    public static final String NETWORK = "istio-cni";

    /** The annotation by which a pod asks Multus for it. */
    public static final String NETWORKS_ANNOTATION = "k8s.v1.cni.cncf.io/networks";

    private final Optional<CniValues> values;
    private final String revision;
    private final List<String> notes;
    private final List<HasMetadata> resources;

    private NodeManifests(OperatorReader.Result read) {
        this.values = read.values();
        this.revision = read.revision();
        this.notes = read.notes();
        this.resources = values.map(found -> Overlay.apply(
                        read.overlays(),
                        resources(found).stream()
                                .filter(found.scope()::includes)
                                .toList()))
                .orElse(List.of());
    }

    /**
     * The resources that settings ask for.
     *
     * @throws ManifestException if they cannot be understood
     */
    public static NodeManifests of(ManifestInput input) {
        return new NodeManifests(OperatorReader.read(requireNonNull(input, "input is null")));
    }

    /** One YAML stream, with comments that say what a reader should know. */
    public String yaml() {
        KubernetesSerialization serialization = new KubernetesSerialization();
        StringBuilder yaml = new StringBuilder(header());
        resources().forEach(resource -> {
            String document = serialization.asYaml(printed(resource, serialization));
            yaml.append(document.startsWith("---") ? "" : "---\n").append(document);
        });
        return yaml.toString();
    }

    private static Object printed(HasMetadata resource, KubernetesSerialization serialization) {
        return resource instanceof DaemonSet
                ? DaemonSetManifest.withEmptyLists(serialization.convertValue(resource, ObjectNode.class))
                : resource;
    }

    public List<HasMetadata> resources() {
        return resources;
    }

    /** The variables of the daemon's container that have a value of their own. */
    public Map<String, String> variables() {
        return resources.stream()
                .filter(DaemonSet.class::isInstance)
                .map(DaemonSet.class::cast)
                .flatMap(set -> set.getSpec().getTemplate().getSpec().getContainers().stream())
                .flatMap(container -> container.getEnv().stream())
                .filter(variable ->
                        variable.getValue() != null && !variable.getValue().isEmpty())
                .collect(Collectors.toUnmodifiableMap(EnvVar::getName, EnvVar::getValue, (_, last) -> last));
    }

    private static List<HasMetadata> resources(CniValues values) {
        AccessRights rights = new AccessRights(values);
        List<HasMetadata> resources = new ArrayList<>();
        resources.add(new ServiceAccountBuilder()
                .withMetadata(metadata(values, NAME))
                .withImagePullSecrets(values.image().pullSecrets().stream()
                        .map(LocalObjectReference::new)
                        .toList())
                .build());
        resources.addAll(rights.resources());
        values.quota().ifPresent(pods -> resources.add(quota(values, pods)));
        if (values.plugin().multus()) {
            resources.add(network(values));
        }
        if (values.networkPolicy()) {
            resources.add(networkPolicy(values));
        }
        resources.add(new DaemonSetManifest(values).resource());
        resources.addAll(new MonitoringManifests(values).resources());
        return resources;
    }

    /** The metadata of a resource in the daemon's namespace. */
    static ObjectMeta metadata(CniValues values, String name) {
        return new ObjectMetaBuilder(clusterMetadata(values, name))
                .withNamespace(values.namespace())
                .build();
    }

    /** The metadata of a resource that belongs to no namespace. */
    static ObjectMeta clusterMetadata(CniValues values, String name) {
        return new ObjectMetaBuilder().withName(name).withLabels(labels(values)).build();
    }

    private static Map<String, String> labels(CniValues values) {
        return new TreeMap<>(Map.of(
                "app.kubernetes.io/name",
                NAME,
                "app.kubernetes.io/part-of",
                "istio",
                "app.kubernetes.io/version",
                ProductVersion.text(),
                "istio.io/rev",
                values.revision(),
                "k8s-app",
                DAEMON_SET));
    }

    /** GKE, for one, admits pods of this priority only to namespaces with a quota for them. */
    private static HasMetadata quota(CniValues values, int pods) {
        return new ResourceQuotaBuilder()
                .withMetadata(metadata(values, NAME + "-resource-quota"))
                .withNewSpec()
                .addToHard("pods", new Quantity(String.valueOf(pods)))
                .withNewScopeSelector()
                .addNewMatchExpression()
                .withOperator("In")
                .withScopeName("PriorityClass")
                .withValues(values.pod().priorityClass())
                .endMatchExpression()
                .endScopeSelector()
                .endSpec()
                .build();
    }

    /** Admits requests for metrics and health; the daemon itself may call anything, such as the API server. */
    private static HasMetadata networkPolicy(CniValues values) {
        List<Map<String, Object>> ports = IntStream.of(MonitoringOptions.MONITORING_PORT, MonitoringOptions.HEALTH_PORT)
                .<Map<String, Object>>mapToObj(port -> new TreeMap<>(Map.of("protocol", "TCP", "port", port)))
                .toList();
        return new GenericKubernetesResourceBuilder()
                .withApiVersion("networking.k8s.io/v1")
                .withKind("NetworkPolicy")
                .withMetadata(metadata(values, NAME))
                .addToAdditionalProperties(
                        "spec",
                        new TreeMap<>(Map.of(
                                "podSelector", Map.of("matchLabels", Map.of("k8s-app", DAEMON_SET)),
                                "policyTypes", List.of("Ingress", "Egress"),
                                "ingress", List.of(Map.of("ports", ports)),
                                "egress", List.of(Map.of()))))
                .build();
    }

    /** Without a configuration of its own, Multus takes the file in the node's directory that holds this network. */
    private static HasMetadata network(CniValues values) {
        return new GenericKubernetesResourceBuilder()
                .withApiVersion("k8s.cni.cncf.io/v1")
                .withKind("NetworkAttachmentDefinition")
                .withMetadata(new ObjectMetaBuilder(clusterMetadata(values, NETWORK))
                        .withNamespace("default")
                        .build())
                .build();
    }

    private String header() {
        List<String> lines = new ArrayList<>();
        lines.add("Generated by meshcni manifest, version " + ProductVersion.text() + ".");
        values.ifPresentOrElse(found -> describe(found, lines), () -> controlPlaneOnly(lines));
        notes.forEach(note -> {
            lines.add("");
            lines.add(note);
        });
        StringBuilder header = new StringBuilder();
        lines.forEach(line -> header.append(line.isEmpty() ? "#\n" : "# " + line + "\n"));
        return header.toString();
    }

    private static void describe(CniValues values, List<String> lines) {
        lines.add("Requires namespace " + values.namespace() + ". Apply with: kubectl apply -f FILE");
        lines.add(values.kubernetes()
                .map(version -> "For Kubernetes " + version + (version.hasAppArmorField() ? " and later." : "."))
                .orElse("For Kubernetes " + KubernetesVersion.WITH_APP_ARMOR_FIELD
                        + " and later; for an older one, from " + KubernetesVersion.OLDEST
                        + " on, add --kube-version."));
        if (values.image().reference().startsWith("localhost/")) {
            lines.add("The image " + values.image().reference()
                    + " has to be available on every node; set values.cni.hub to pull it from a registry.");
        }
    }

    private void controlPlaneOnly(List<String> lines) {
        lines.add("Nothing to apply. The settings describe a control plane, revision " + revision
                + ", that relies on a CNI");
        lines.add("which is installed already: components.cni is not enabled. One CNI serves all revisions; its own"
                + " settings have");
        lines.add("components.cni.enabled: true. The sidecar injector of this revision leaves istio-init out when"
                + " istiod is installed with");
        lines.add("");
        lines.add("  istio_cni: {enabled: true}       # Istio before 1.24");
        lines.add("  pilot: {cni: {enabled: true}}    # Istio 1.24 and later");
    }
}
