// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import dev.meshcni.config.ManifestException;
import dev.meshcni.config.ManifestException.Problem;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Reads the spec of an {@code IstioOperator} as far as it is about the CNI. What belongs to other components is passed
 * over; unknown keys are problems.
 */
final class OperatorReader {
    private static final String DEFAULT_NAMESPACE = "istio-system";

    private final ManifestInput input;
    private final List<Problem> problems = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();
    private List<Overlay> overlays = List.of();

    /**
     * The result of reading.
     *
     * @param values the CNI's, empty where only a control plane is described that relies on a CNI
     * @param revision the revision of that control plane
     * @param notes what a reader of the result should know
     * @param overlays changes of the resources
     */
    record Result(Optional<CniValues> values, String revision, List<String> notes, List<Overlay> overlays) {}

    /** The sections of the values. */
    private record Sections(SettingsSection all, SettingsSection cni, SettingsSection global) {}

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
        OperatorDocuments.Settings settings = new OperatorDocuments(input, problems, notes).settings();
        try (SettingsSection spec = new SettingsSection("", "", IstioSettings.below(""), settings.spec(), problems);
                SettingsSection components = spec.section("components");
                SettingsSection component = components.section("cni");
                SettingsSection values = values(spec, settings.plain())) {
            SettingsSection global = values.section("global");
            Profile profile = new Profile(spec, values, global);
            Platform platform = platform(profile, values, global);
            SettingsSection cni = values.section("cni").over(profile.without(platform.without(settings.defaults())));
            boolean enabled = component.flag("enabled").orElse(profile.installs());
            String revision = spec.text("revision")
                    .or(() -> cni.text("revision"))
                    .or(() -> values.text("revision"))
                    .orElse("default");
            Optional<CniValues> read =
                    read(spec, component, new Sections(values, cni, global), revision, platform, profile.isAmbient());
            if (!enabled && !expected(values)) {
                component.problem(
                        "enabled", "is not true, so there is nothing to print; set components.cni.enabled to true");
            }
            return new Result(enabled ? read : Optional.empty(), revision, notes, overlays);
        }
    }

    /** Values as an operator has them, or as a chart, whose keys are the top of the file. */
    private static SettingsSection values(SettingsSection spec, boolean plain) {
        return plain ? spec.section("values", "", ValuesShape.keys()) : spec.section("values");
    }

    private Optional<CniValues> read(
            SettingsSection spec,
            SettingsSection component,
            Sections values,
            String revision,
            Platform platform,
            boolean ambientProfile) {
        SettingsSection global = values.global();
        SettingsSection k8s = component.section("k8s");
        overlays = Overlay.read(k8s);
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
        Optional<CniValues.Ambient> ambient = AmbientReader.read(values.cni(), ambientProfile, istioNamespace);
        Optional<CniValues> read = Optional.of(new CniValuesReader(values.cni(), k8s, global, platform)
                .read(namespace, revision, component, ambient, injected(values.all()), input.kubernetes()));
        values.cni().close();
        k8s.close();
        global.close();
        return read;
    }

    private Platform platform(Profile profile, SettingsSection values, SettingsSection global) {
        Optional<Platform> named = named(values).or(() -> named(global));
        return input.platform().or(() -> named).or(profile::platform).orElse(Platform.DEFAULT);
    }

    private static Optional<Platform> named(SettingsSection section) {
        return section.oneOf("platform", Platform.names()).flatMap(Platform::named);
    }

    /** Returns whether the injector is configured for a CNI plugin. */
    private static boolean expected(SettingsSection values) {
        try (SettingsSection old = values.section("istio_cni")) {
            boolean former = old.flag("enabled").orElse(false);
            return values.section("pilot").section("cni").flag("enabled").orElse(former);
        }
    }

    /**
     * Returns whether the injector annotates pods for Multus; the network's name must be the one that will be there.
     */
    private boolean injected(SettingsSection values) {
        SettingsSection webhook = values.section("sidecarInjectorWebhook");
        Optional<String> networks =
                Optional.ofNullable(webhook.map("injectedAnnotations").get(NodeManifests.NETWORKS_ANNOTATION));
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
            webhook.problem(
                    "injectedAnnotations." + NodeManifests.NETWORKS_ANNOTATION,
                    "is '" + networks.get() + "', but the NetworkAttachmentDefinition is default/"
                            + NodeManifests.NETWORK);
        }
        return true;
    }
}
