// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import dev.meshcni.config.ManifestException.Problem;
import dev.meshcni.config.Yaml;
import dev.meshcni.config.YamlFile;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Brings all forms of settings into one: the {@code spec} of an {@code IstioOperator}. */
final class OperatorDocuments {
    private static final String API_VERSION = "install.istio.io/v1alpha1";
    private static final String KIND = "IstioOperator";

    private final List<Problem> problems;
    private final List<String> notes;

    /**
     * @param problems where problems are added
     * @param notes where is added what a reader of the result should know
     */
    OperatorDocuments(List<Problem> problems, List<String> notes) {
        this.problems = problems;
        this.notes = notes;
    }

    /** The spec that all documents and settings together give. */
    Yaml.Mapping spec(ManifestInput input) {
        Yaml.Mapping spec = Yaml.Mapping.empty(new Yaml.Position("the settings", 0, 0));
        for (ManifestInput.Document document : input.documents()) {
            List<Yaml.Mapping> parts = YamlFile.documents(document.name(), document.text());
            if (parts.isEmpty()) {
                problems.add(new Problem(document.name(), "is empty", "", Set.of()));
            }
            for (Yaml.Mapping part : parts) {
                spec = spec.with(isResource(part) ? specOf(part) : enabled(part));
            }
        }
        if (input.documents().isEmpty()) {
            spec = enabled(spec);
        }
        for (String setting : input.settings()) {
            spec = SettingPath.apply(setting, spec);
        }
        return spec;
    }

    private static boolean isResource(Yaml.Mapping document) {
        return document.entries().containsKey("kind") || document.entries().containsKey("apiVersion");
    }

    private Yaml.Mapping specOf(Yaml.Mapping document) {
        try (SettingsSection resource = new SettingsSection("", document, problems)) {
            String kind = resource.text("kind").orElse("nothing");
            String version = resource.text("apiVersion").orElse("nothing");
            if (!kind.equals(KIND)) {
                resource.problem("kind", "is " + kind + ", but must be " + KIND);
            } else if (!version.equals(API_VERSION)) {
                resource.problem("apiVersion", "is " + version + ", but must be " + API_VERSION);
            }
            resource.section("metadata");
            resource.section("spec");
            resource.others(Set.of("status"));
            Yaml.Mapping spec = mapping(document, "spec");
            if (resource.has("values")) {
                resource.section("values");
                notes.add("values at " + resource.at("values") + " is outside spec; it is read as spec.values.");
                spec = Yaml.Mapping.of(resource.at("values"), "values", mapping(document, "values"))
                        .with(spec);
            }
            return spec;
        }
    }

    /** Plain values, as for a chart of the CNI: whoever has them wants it. */
    private static Yaml.Mapping enabled(Yaml.Mapping values) {
        Yaml.Position at = values.at();
        Yaml.Mapping enabled = Yaml.Mapping.of(at, "enabled", new Yaml.Scalar(at, true));
        Yaml.Mapping components = Yaml.Mapping.of(at, "cni", enabled);
        Map<String, Yaml.Entry> spec = new LinkedHashMap<>();
        spec.put("components", new Yaml.Entry(at, components));
        spec.put("values", new Yaml.Entry(at, values));
        return new Yaml.Mapping(at, spec);
    }

    private static Yaml.Mapping mapping(Yaml.Mapping document, String key) {
        Yaml.Entry entry = document.entries().get(key);
        return entry != null && entry.value() instanceof Yaml.Mapping mapping
                ? mapping
                : Yaml.Mapping.empty(document.at());
    }
}
