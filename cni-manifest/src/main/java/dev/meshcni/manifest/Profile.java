// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import dev.meshcni.config.Yaml;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** The profiles that the input names: of istioctl in the spec, of Istio's charts in the values. */
final class Profile {
    private static final String AMBIENT = "ambient";
    private static final String OPENSHIFT = "openshift";
    private static final String OPENSHIFT_AMBIENT = "openshift-ambient";
    private static final String PLATFORM = "platform-";
    private static final Set<String> NAMES = Set.of(
            AMBIENT,
            "default",
            "demo",
            "empty",
            "external",
            "minimal",
            OPENSHIFT,
            OPENSHIFT_AMBIENT,
            "preview",
            "remote",
            "stable");

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
        if (name.filter(text -> text.contains("/") || text.endsWith(".yaml")).isPresent()) {
            section.problem(
                    "profile",
                    "is the file '" + name.get() + "', which is not read from here; name it before this file: -f "
                            + name.get());
            return Optional.empty();
        }
        return name.filter(text -> text.startsWith("compatibility-version-")).isPresent()
                ? name
                : section.oneOf("profile", names);
    }

    /** Returns whether istioctl's profile has the CNI. */
    boolean installs() {
        return ofSpec.filter(name -> isOpenShift(name) || isAmbient(name)).isPresent();
    }

    /** Returns whether ambient mode is on unless a setting turns it off. */
    boolean isAmbient() {
        return ofValues.or(() -> ofSpec).filter(Profile::isAmbient).isPresent();
    }

    Optional<Platform> platform() {
        return ofValues.or(() -> ofSpec)
                .flatMap(Profile::platform)
                .or(() -> ofSpec.filter(Profile::isOpenShift).map(_ -> Platform.OPENSHIFT));
    }

    private static Optional<Platform> platform(String name) {
        if (isOpenShift(name)) {
            return Optional.of(Platform.OPENSHIFT);
        }
        return name.startsWith(PLATFORM) ? Platform.named(name.substring(PLATFORM.length())) : Optional.empty();
    }

    private static boolean isOpenShift(String name) {
        return name.equals(OPENSHIFT) || name.equals(OPENSHIFT_AMBIENT);
    }

    private static boolean isAmbient(String name) {
        return name.equals(AMBIENT) || name.equals(OPENSHIFT_AMBIENT);
    }

    /** A copy of the CNI's default values without what this profile sets, as it takes precedence over them. */
    Yaml.Mapping without(Yaml.Mapping defaults) {
        if (!isAmbient()
                || !(defaults.entries().get("ambient") instanceof Yaml.Entry(Yaml.Position at, Yaml.Mapping ambient))) {
            return defaults;
        }
        Map<String, Yaml.Entry> others = new LinkedHashMap<>(ambient.entries());
        others.remove("enabled");
        Map<String, Yaml.Entry> entries = new LinkedHashMap<>(defaults.entries());
        entries.put("ambient", new Yaml.Entry(at, new Yaml.Mapping(ambient.at(), others)));
        return new Yaml.Mapping(defaults.at(), entries);
    }
}
