// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import dev.meshcni.config.ManifestException;
import dev.meshcni.config.ManifestException.Problem;
import dev.meshcni.config.Yaml;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Reads the spec of an {@code IstioOperator} as far as it is about the CNI. What belongs to other components is passed
 * over; unknown keys are problems.
 */
final class OperatorReader {
    private static final String DEFAULT_NAMESPACE = "istio-system";
    private static final Set<String> PROFILES =
            Set.of("default", "demo", "empty", "minimal", "preview", "remote", "external", "openshift", "stable");
    private static final Set<String> OTHER_SPEC = Set.of(
            "addonComponents",
            "compatibilityVersion",
            "hub",
            "installPackagePath",
            "meshConfig",
            "resourceSuffix",
            "tag",
            "unvalidatedValues");
    private static final Set<String> OTHER_COMPONENTS = Set.of(
            "base",
            "egressGateways",
            "ingressGateways",
            "istiodRemote",
            "pilot",
            "policy",
            "proxy",
            "sidecarInjector",
            "telemetry",
            "ztunnel");
    private static final Set<String> OTHER_VALUES = Set.of(
            "base",
            "compatibilityVersion",
            "defaultRevision",
            "experimental",
            "galley",
            "gatewayClasses",
            "gateways",
            "istiodRemote",
            "istiocoredns",
            "mesh",
            "meshConfig",
            "mixer",
            "nodeagent",
            "ownerName",
            "prometheus",
            "grafana",
            "kiali",
            "revisionTags",
            "security",
            "telemetry",
            "tracing",
            "ztunnel");
    private static final Set<String> OTHER_GLOBAL = Set.of(
            "agentgateway",
            "arch",
            "autoscalingv2API",
            "caAddress",
            "caName",
            "certSigners",
            "configRootNamespace",
            "configValidation",
            "controlPlaneSecurityEnabled",
            "defaultConfigVisibilitySettings",
            "defaultNodeSelector",
            "defaultPodDisruptionBudget",
            "defaultResources",
            "defaultTolerations",
            "externalIstiod",
            "hub",
            "ipFamilies",
            "ipFamilyPolicy",
            "istioRemote",
            "istiod",
            "jwtPolicy",
            "meshID",
            "meshNetworks",
            "mountMtlsCerts",
            "mtls",
            "multiCluster",
            "network",
            "networkPolicy",
            "omitSidecarInjectorConfigMap",
            "oneNamespace",
            "operatorManageWebhooks",
            "pilotCertProvider",
            "platform",
            "podDNSSearchNamespaces",
            "priorityClassName",
            "proxy",
            "proxy_init",
            "remotePilotAddress",
            "resourceScope",
            "sds",
            "sts",
            "tag",
            "tracer",
            "trustBundleName",
            "useMCP",
            "variant",
            "waypoint");
    private static final Set<String> UNSUPPORTED_K8S = Set.of(
            "env",
            "hpaSpec",
            "overlays",
            "podDisruptionBudget",
            "priorityClassName",
            "readinessProbe",
            "replicaCount",
            "securityContext",
            "service",
            "serviceAnnotations",
            "strategy",
            "volumeMounts",
            "volumes");

    private final ManifestInput input;
    private final List<Problem> problems = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();

    /**
     * The result of reading.
     *
     * @param values the CNI's, empty where only a control plane is described that relies on a CNI
     * @param revision the revision of that control plane
     * @param notes what a reader of the result should know
     */
    record Result(Optional<CniValues> values, String revision, List<String> notes) {}

    private OperatorReader(ManifestInput input) {
        this.input = input;
    }

    /**
     * Reads it.
     *
     * @throws ManifestException with all problems
     */
    static Result read(ManifestInput input) {
        OperatorReader reader = new OperatorReader(input);
        Result result = reader.read();
        if (!reader.problems.isEmpty()) {
            throw new ManifestException(reader.problems);
        }
        return result;
    }

    private Result read() {
        Yaml.Mapping document = new OperatorDocuments(problems, notes).spec(input);
        try (SettingsSection spec = new SettingsSection("", document, problems);
                SettingsSection components = spec.section("components");
                SettingsSection component = components.section("cni");
                SettingsSection values = spec.section("values")) {
            spec.others(OTHER_SPEC);
            components.others(OTHER_COMPONENTS);
            values.others(OTHER_VALUES);
            String profile = spec.oneOf("profile", PROFILES).orElse("default");
            Optional<String> valuesRevision = values.text("revision");
            String revision = spec.text("revision").or(() -> valuesRevision).orElse("default");
            boolean enabled = component.flag("enabled").orElse(profile.equals("openshift"));
            Optional<CniValues> cni =
                    cni(spec, component, values, revision, platform(profile.equals("openshift"), values));
            boolean expected = expected(values);
            if (!enabled && !expected) {
                component.problem("enabled", "is not true, so there is nothing to print");
            }
            return new Result(enabled ? cni : Optional.empty(), revision, notes);
        }
    }

    private Optional<CniValues> cni(
            SettingsSection spec,
            SettingsSection component,
            SettingsSection values,
            String revision,
            Platform platform) {
        SettingsSection cni = values.section("cni");
        SettingsSection global = values.section("global");
        SettingsSection k8s = component.section("k8s");
        component.refuse("spec", "is not supported; use values.cni");
        UNSUPPORTED_K8S.forEach(key -> k8s.refuse(key, "is not supported for the CNI; use values.cni"));
        if (spec.has("hub") || global.has("hub")) {
            notes.add("hub and tag of Istio's images are ignored: values.cni.hub sets the registry of the mesh-cni"
                    + " image.");
        }
        Optional<String> common = spec.text("namespace");
        Optional<String> istioNamespace = global.text("istioNamespace");
        String namespace = component
                .text("namespace")
                .or(input::namespace)
                .or(() -> common)
                .or(() -> istioNamespace)
                .orElse(DEFAULT_NAMESPACE);
        Optional<CniValues> read = Optional.of(new CniValuesReader(cni, k8s, global, platform)
                .read(namespace, revision, component.text("hub"), component.text("tag"), injected(values)));
        cni.close();
        k8s.close();
        global.others(OTHER_GLOBAL);
        global.close();
        return read;
    }

    private Platform platform(boolean openShift, SettingsSection values) {
        // In values it is the name of a file of Istio's charts, which sets other values.
        Optional<String> profile = values.text("profile");
        profile.filter(name -> name.contains("ambient"))
                .ifPresent(name -> values.problem(
                        "profile", "is '" + name + "', but mesh-cni redirects to sidecars only, not to ztunnel"));
        Map<String, Platform> names = Arrays.stream(Platform.values())
                .collect(Collectors.toMap(Platform::label, platform -> platform, (first, _) -> first, TreeMap::new));
        Optional<String> general = values.section("global").oneOf("platform", names.keySet());
        Optional<String> named = values.oneOf("platform", names.keySet()).or(() -> general);
        return input.platform()
                .or(() -> named.map(names::get))
                .orElse(
                        openShift || profile.filter("openshift"::equals).isPresent()
                                ? Platform.OPENSHIFT
                                : Platform.DEFAULT);
    }

    /** Returns whether the injector is configured for a CNI plugin. */
    private static boolean expected(SettingsSection values) {
        boolean old = false;
        try (SettingsSection istioCni = values.section("istio_cni")) {
            istioCni.others(Set.of("chained", "provider"));
            old = istioCni.flag("enabled").orElse(false);
        }
        return values.section("pilot").section("cni").flag("enabled").orElse(old);
    }

    /** Whether the injector annotates pods for Multus; the network's name must be the one that will be there. */
    private boolean injected(SettingsSection values) {
        SettingsSection webhook = values.section("sidecarInjectorWebhook");
        if (!webhook.has("injectedAnnotations")) {
            return false;
        }
        SettingsSection annotations = webhook.section("injectedAnnotations");
        Optional<String> networks = annotations.text(NodeManifests.NETWORKS_ANNOTATION);
        if (networks.isEmpty()) {
            return false;
        }
        List<String> references = Arrays.stream(networks.get().split(",", -1))
                .map(reference -> reference.strip().replaceFirst("@.*", ""))
                .toList();
        if (references.contains(NodeManifests.NETWORK)) {
            notes.add("Multus looks for the network " + NodeManifests.NETWORK
                    + " in the namespace of each pod; the definition below is in default. Annotate with default/"
                    + NodeManifests.NETWORK + ", or create it in every namespace with sidecars.");
        } else if (!references.contains("default/" + NodeManifests.NETWORK)) {
            annotations.problem(
                    NodeManifests.NETWORKS_ANNOTATION,
                    "is '" + networks.get() + "', but the NetworkAttachmentDefinition is default/"
                            + NodeManifests.NETWORK);
        }
        return true;
    }
}
