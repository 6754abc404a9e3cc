// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import dev.meshcni.config.ManifestException;
import dev.meshcni.config.ManifestException.Problem;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Reads the spec of an {@code IstioOperator} as far as it is about the CNI. What belongs to other components is passed
 * over; unknown keys are problems.
 */
final class OperatorReader {
    private static final String DEFAULT_NAMESPACE = "istio-system";
    private static final String SIDECARS_ONLY = "mesh-cni redirects to sidecars only, not to ztunnel";

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
            SettingsSection cni = values.section("cni").over(platform.without(settings.defaults()));
            boolean enabled = component.flag("enabled").orElse(profile.installs());
            String revision = spec.text("revision")
                    .or(() -> cni.text("revision"))
                    .or(() -> values.text("revision"))
                    .orElse("default");
            Optional<CniValues> read = read(spec, component, new Sections(values, cni, global), revision, platform);
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
            SettingsSection spec, SettingsSection component, Sections values, String revision, Platform platform) {
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
        Optional<CniValues> read = Optional.of(new CniValuesReader(values.cni(), k8s, global, platform)
                .read(namespace, revision, component, injected(values.all()), input.kubernetes()));
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

    /** The profiles that the input names: of istioctl in the spec, of Istio's charts in the values. */
    private static final class Profile {
        private static final String OPENSHIFT = "openshift";
        private static final String PLATFORM = "platform-";
        private static final Set<String> NAMES =
                Set.of("default", "demo", "empty", "external", "minimal", OPENSHIFT, "preview", "remote", "stable");

        private final Optional<String> ofSpec;
        private final Optional<String> ofValues;

        Profile(SettingsSection spec, SettingsSection values, SettingsSection global) {
            this.ofSpec = checked(spec, NAMES);
            Set<String> names = new TreeSet<>(NAMES);
            Platform.names().forEach(name -> names.add(PLATFORM + name));
            Optional<String> ofGlobal = checked(global, names);
            this.ofValues = checked(values, names).or(() -> ofGlobal);
        }

        private static Optional<String> checked(SettingsSection section, Set<String> names) {
            Optional<String> name = section.text("profile");
            if (name.filter(text -> text.contains("ambient")).isPresent()) {
                section.problem("profile", "is '" + name.get() + "', but " + SIDECARS_ONLY);
                return Optional.empty();
            }
            if (name.filter(text -> text.contains("/") || text.endsWith(".yaml"))
                    .isPresent()) {
                section.problem(
                        "profile",
                        "is the file '" + name.get() + "', which is not read from here; name it before this file:"
                                + " -f " + name.get());
                return Optional.empty();
            }
            return name.filter(text -> text.startsWith("compatibility-version-"))
                            .isPresent()
                    ? Optional.empty()
                    : section.oneOf("profile", names);
        }

        /** Returns whether istioctl's profile has the CNI. */
        boolean installs() {
            return ofSpec.filter(OPENSHIFT::equals).isPresent();
        }

        Optional<Platform> platform() {
            return ofValues.or(() -> ofSpec)
                    .filter(name -> name.startsWith(PLATFORM) || name.equals(OPENSHIFT))
                    .flatMap(name -> Platform.named(name.replaceFirst("^" + PLATFORM, "")))
                    .or(() -> installs() ? Optional.of(Platform.OPENSHIFT) : Optional.empty());
        }
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
