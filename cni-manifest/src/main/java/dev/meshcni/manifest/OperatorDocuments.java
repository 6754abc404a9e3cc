// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import dev.meshcni.config.ManifestException.Problem;
import dev.meshcni.config.Yaml;
import dev.meshcni.config.YamlFile;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** Brings all forms of settings into one: the {@code spec} of an {@code IstioOperator}. */
final class OperatorDocuments {
    private static final String API_VERSION = "install.istio.io/v1alpha1";
    private static final String KIND = "IstioOperator";
    private static final String VALUES = "values";
    private static final String UNVALIDATED = "unvalidatedValues";

    private final ManifestInput input;
    private final List<Problem> problems;
    private final List<String> notes;

    /**
     * All settings together.
     *
     * @param spec the spec, with the values in one shape
     * @param defaults {@link ValuesShape#defaults()}
     * @param plain whether all of it was given as values, as for the chart
     */
    record Settings(Yaml.Mapping spec, Yaml.Mapping defaults, boolean plain) {}

    /**
     * @param problems where problems are added
     * @param notes where is added what a reader of the result should know
     */
    OperatorDocuments(ManifestInput input, List<Problem> problems, List<String> notes) {
        this.input = input;
        this.problems = problems;
        this.notes = notes;
    }

    /** What all documents and settings together give. */
    Settings settings() {
        List<Yaml.Mapping> parts = parts();
        List<Yaml.Mapping> others = parts.stream()
                .filter(part -> isResource(part) && !isOperator(part))
                .toList();
        boolean operators = parts.stream().anyMatch(OperatorDocuments::isOperator);
        boolean values = parts.stream().anyMatch(part -> !isResource(part));
        if (operators || values) {
            others.forEach(other -> notes.add(kind(other) + " at " + other.at() + " is passed over."));
        } else {
            others.forEach(other -> problems.add(
                    Problem.of(position(other, "kind"), "kind is " + kind(other) + ", but must be " + KIND)));
        }
        Yaml.Mapping spec = Yaml.Mapping.empty(new Yaml.Position("the settings", 0, 0));
        for (Yaml.Mapping part : parts) {
            if (!isResource(part)) {
                spec = spec.with(enabled(part));
            } else if (isOperator(part)) {
                spec = spec.with(specOf(part));
            }
        }
        if (!operators && !values) {
            spec = enabled(spec);
        }
        boolean isPlain = values && !operators;
        for (ManifestInput.Setting setting : input.settings()) {
            spec = apply(setting, spec, isPlain);
        }
        return isPlain ? shaped(spec) : new Settings(spec, Yaml.Mapping.empty(spec.at()), false);
    }

    private List<Yaml.Mapping> parts() {
        List<Yaml.Mapping> parts = new ArrayList<>();
        for (ManifestInput.Document document : input.documents()) {
            List<Yaml.Mapping> found = YamlFile.documents(document.name(), document.text());
            if (document.text().isBlank()) {
                problems.add(new Problem(document.name(), "is empty", "", Set.of()));
            }
            parts.addAll(
                    found.isEmpty() ? List.of(Yaml.Mapping.empty(new Yaml.Position(document.name(), 1, 1))) : found);
        }
        return parts;
    }

    private static Settings shaped(Yaml.Mapping spec) {
        ValuesShape shape = ValuesShape.of(mapping(spec, VALUES));
        Map<String, Yaml.Entry> entries = new LinkedHashMap<>(spec.entries());
        entries.put(VALUES, new Yaml.Entry(spec.at(), shape.values()));
        return new Settings(new Yaml.Mapping(spec.at(), entries), shape.defaults(), true);
    }

    private Yaml.Mapping apply(ManifestInput.Setting setting, Yaml.Mapping spec, boolean plain) {
        Yaml.Mapping result = spec;
        for (SettingParser.Assignment assignment : SettingParser.parse(setting)) {
            SettingPath path = rooted(assignment.path(), plain);
            Optional<Problem> unread = unread(path, plain);
            unread.ifPresent(problems::add);
            result = unread.isPresent() ? result : path.put(assignment.value(), result);
        }
        return result;
    }

    /**
     * The path in the spec: beside values files, and where the spec has no such key, it is one of values, as in Helm.
     */
    private static SettingPath rooted(SettingPath path, boolean plain) {
        String first = path.first();
        if (first.equals(VALUES) || first.equals("components")) {
            return path;
        }
        if (ValuesShape.isFlat(first) && (plain || !IstioSettings.below("").contains(first))) {
            return path.below(VALUES, "cni");
        }
        return plain
                        || (IstioSettings.below(VALUES).contains(first)
                                && !IstioSettings.below("").contains(first))
                ? path.below(VALUES)
                : path;
    }

    /** What is wrong if nothing reads a setting, not even another component. */
    private static Optional<Problem> unread(SettingPath path, boolean plain) {
        String above = "";
        for (String key : path.keys()) {
            Set<String> known = IstioSettings.below(above);
            if (known.isEmpty()) {
                return Optional.empty();
            }
            String here = above.isEmpty() ? key : above + "." + key;
            if (!known.contains(key) && IstioSettings.find(above).isEmpty()) {
                String shown = plain ? here.replaceFirst("^values\\.", "") : here;
                return Optional.of(
                        new Problem(path.at().toString(), "unknown key " + shown, key, suggestions(above, plain)));
            }
            above = here;
        }
        return Optional.empty();
    }

    private static Set<String> suggestions(String above, boolean plain) {
        if (above.equals(VALUES) && plain) {
            return ValuesShape.keys();
        }
        Set<String> keys = new TreeSet<>(IstioSettings.below(above));
        if (above.isEmpty()) {
            keys.addAll(IstioSettings.below(VALUES));
        }
        return keys;
    }

    private static boolean isResource(Yaml.Mapping document) {
        return document.entries().containsKey("kind") || document.entries().containsKey("apiVersion");
    }

    private static boolean isOperator(Yaml.Mapping document) {
        return isResource(document) && kind(document).equals(KIND);
    }

    private static String kind(Yaml.Mapping document) {
        return document.entries().get("kind") instanceof Yaml.Entry(Yaml.Position _, Yaml.Scalar scalar)
                        && !scalar.isNull()
                ? scalar.text()
                : "nothing";
    }

    private static Yaml.Position position(Yaml.Mapping document, String key) {
        Yaml.Entry entry = document.entries().get(key);
        return entry == null ? document.at() : entry.at();
    }

    private Yaml.Mapping specOf(Yaml.Mapping document) {
        Set<String> keys = Set.of("apiVersion", "kind", "metadata", "spec", "status", VALUES);
        try (SettingsSection resource = new SettingsSection("", "", keys, document, problems)) {
            String version = resource.text("apiVersion").orElse("nothing");
            if (!version.equals(API_VERSION)) {
                resource.problem("apiVersion", "is " + version + ", but must be " + API_VERSION);
            }
            resource.section("metadata");
            resource.section("spec");
            Yaml.Mapping spec = validated(mapping(document, "spec"));
            if (resource.has(VALUES)) {
                resource.section(VALUES);
                notes.add("values at " + resource.at(VALUES) + " is outside spec; it is read as spec.values.");
                spec = Yaml.Mapping.of(resource.at(VALUES), VALUES, mapping(document, VALUES))
                        .with(spec);
            }
            return spec;
        }
    }

    /** The spec with {@code unvalidatedValues} as values, as far as it is about the CNI and known. */
    private static Yaml.Mapping validated(Yaml.Mapping spec) {
        Yaml.Mapping cni = mapping(mapping(spec, UNVALIDATED), "cni");
        Map<String, Yaml.Entry> known = new LinkedHashMap<>(cni.entries());
        known.keySet().retainAll(IstioSettings.below("values.cni"));
        return known.isEmpty()
                ? spec
                : spec.with(Yaml.Mapping.of(
                        cni.at(), VALUES, Yaml.Mapping.of(cni.at(), "cni", new Yaml.Mapping(cni.at(), known))));
    }

    /** Plain values, as for a chart of the CNI: whoever has them wants it. */
    private static Yaml.Mapping enabled(Yaml.Mapping values) {
        Yaml.Position at = values.at();
        Yaml.Mapping enabled = Yaml.Mapping.of(at, "enabled", new Yaml.Scalar(at, true));
        Yaml.Mapping components = Yaml.Mapping.of(at, "cni", enabled);
        Map<String, Yaml.Entry> spec = new LinkedHashMap<>();
        spec.put("components", new Yaml.Entry(at, components));
        spec.put(VALUES, new Yaml.Entry(at, values));
        return new Yaml.Mapping(at, spec);
    }

    private static Yaml.Mapping mapping(Yaml.Mapping document, String key) {
        Yaml.Entry entry = document.entries().get(key);
        return entry != null && entry.value() instanceof Yaml.Mapping mapping
                ? mapping
                : Yaml.Mapping.empty(document.at());
    }
}
