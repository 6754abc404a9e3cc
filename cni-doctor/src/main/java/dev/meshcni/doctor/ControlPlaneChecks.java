// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import com.fasterxml.jackson.databind.JsonNode;
import dev.meshcni.api.CniException;
import dev.meshcni.api.CniJson;
import dev.meshcni.kubernetes.ProxyVersion;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.MutatingWebhookConfiguration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** The control planes of the mesh: their versions, and whether their injectors know that there is a CNI. */
final class ControlPlaneChecks {
    private static final String REVISION = "istio.io/rev";
    private static final String DEFAULT_REVISION = "default";

    private final ClusterView view;
    private final List<Injector> injectors;
    private final ApiResult<List<MutatingWebhookConfiguration>> webhooks;

    /**
     * The settings of a control plane's injector.
     *
     * @param name {@code namespace/name} of its ConfigMap
     * @param values the {@code values} in it
     */
    record Injector(String name, ApiResult<Optional<JsonNode>> values) {
        /** The annotations that it adds to pods. */
        Map<String, String> annotations() {
            return values.known()
                    .flatMap(found -> found)
                    .map(node -> node.path("sidecarInjectorWebhook").path("injectedAnnotations"))
                    .map(node -> node.propertyStream()
                            .collect(Collectors.toMap(
                                    Map.Entry::getKey, entry -> entry.getValue().asText())))
                    .orElse(Map.of());
        }

        /** As the charts of Istio have it, since 1.24 below {@code pilot}. */
        boolean knowsCni(JsonNode node) {
            return node.path("pilot").path("cni").path("enabled").asBoolean()
                    || node.path("istio_cni").path("enabled").asBoolean();
        }
    }

    ControlPlaneChecks(
            ClusterView view, List<Injector> injectors, ApiResult<List<MutatingWebhookConfiguration>> webhooks) {
        this.view = view;
        this.injectors = List.copyOf(injectors);
        this.webhooks = webhooks;
    }

    /** Asks for what is about the control planes. */
    static ControlPlaneChecks ask(ClusterApi api, ClusterView view) {
        List<Injector> injectors = view.controlPlanes().stream()
                .collect(Collectors.toMap(
                        ControlPlaneChecks::injectorName,
                        pod -> pod.getMetadata().getNamespace(),
                        (first, _) -> first,
                        TreeMap::new))
                .entrySet()
                .stream()
                .map(entry -> new Injector(
                        entry.getKey(),
                        api.configMap(
                                        entry.getValue(),
                                        entry.getKey()
                                                .substring(entry.getValue().length() + 1))
                                .map(map -> map.flatMap(ControlPlaneChecks::values))))
                .toList();
        return new ControlPlaneChecks(view, injectors, api.injectors());
    }

    List<Injector> injectors() {
        return injectors;
    }

    List<Check> checks() {
        List<Check> checks = new ArrayList<>(view.pods().checks("control planes", _ -> versions()));
        checks.addAll(webhooks.checks("sidecar injectors", this::webhooks));
        injectors.forEach(injector -> checks.addAll(injector.values()
                .checks("settings of the injector " + injector.name(), found -> told(injector, found))));
        return checks;
    }

    private List<Check> versions() {
        if (view.controlPlanes().isEmpty()) {
            return List.of(Check.warning(
                    "no istiod in this cluster", "install Istio; a control plane in another cluster is not checked"));
        }
        return view.controlPlanes().stream()
                .map(ControlPlaneChecks::version)
                .distinct()
                .toList();
    }

    private static Check version(Pod istiod) {
        String image = istiod.getSpec().getContainers().stream()
                .map(container -> Objects.requireNonNullElse(container.getImage(), ""))
                .findFirst()
                .orElse("");
        String name = "istiod of revision " + revision(istiod) + " in "
                + istiod.getMetadata().getNamespace();
        Optional<ProxyVersion> version = ProxyVersion.ofImage(image);
        if (version.isEmpty()) {
            return Check.unknown(
                    name + ": its image " + image + " has no version in its tag",
                    "make sure that it is " + ProxyVersion.RANGE);
        }
        String what = name + " is version " + version.get() + "; this build supports " + ProxyVersion.RANGE;
        return version.get().withinSkew()
                ? Check.ok(what)
                : Check.warning(what, "upgrade one of them: docs/upgrade.md");
    }

    private List<Check> webhooks(List<MutatingWebhookConfiguration> found) {
        if (found.isEmpty()) {
            return view.controlPlanes().isEmpty()
                    ? List.of()
                    : List.of(Check.warning(
                            "no sidecar injector found (MutatingWebhookConfiguration with the label"
                                    + " app=sidecar-injector)",
                            "install istiod with its injector; without it, pods get no sidecar"));
        }
        return List.of(Check.ok("sidecar injectors: "
                + Names.few(found.stream()
                        .map(webhook -> webhook.getMetadata().getName())
                        .toList())));
    }

    private List<Check> told(Injector injector, Optional<JsonNode> values) {
        if (values.isEmpty()) {
            return List.of(Check.unknown(
                    "the injector's settings, ConfigMap " + injector.name() + ", are missing or cannot be parsed",
                    "make sure that istiod was installed with pilot.cni.enabled: true"));
        }
        if (injector.knowsCni(values.get())) {
            return List.of(
                    Check.ok("the injector " + injector.name() + " omits istio-init, because a CNI plugin is enabled"));
        }
        if (view.daemonSet().isEmpty()) {
            return List.of(
                    Check.ok("the injector " + injector.name() + " adds istio-init, as expected without a CNI plugin"));
        }
        return view.isAmbientAlone()
                ? List.of(Check.ok("the injector " + injector.name()
                        + " adds istio-init to pods with a sidecar, of which there are none: the DaemonSet is in"
                        + " ambient mode"))
                : List.of(Check.warning(
                        "the injector " + injector.name() + " adds istio-init: it is not configured for the CNI plugin",
                        "install istiod with pilot.cni.enabled=true (before Istio 1.24: istio_cni.enabled=true)"));
    }

    private static String injectorName(Pod istiod) {
        String revision = revision(istiod);
        return istiod.getMetadata().getNamespace() + "/istio-sidecar-injector"
                + (revision.equals(DEFAULT_REVISION) ? "" : "-" + revision);
    }

    private static String revision(Pod istiod) {
        return istiod.getMetadata().getLabels().getOrDefault(REVISION, DEFAULT_REVISION);
    }

    private static Optional<JsonNode> values(ConfigMap map) {
        try {
            return Optional.of(CniJson.lenientObject(Objects.requireNonNullElse(map.getData(), Map.<String, String>of())
                    .getOrDefault("values", "")));
        } catch (CniException e) {
            return Optional.empty();
        }
    }
}
