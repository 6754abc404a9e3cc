// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import dev.meshcni.ambient.LabelSelector.Operator;
import dev.meshcni.ambient.LabelSelector.Requirement;
import dev.meshcni.config.ManifestException;
import dev.meshcni.config.Yaml;
import dev.meshcni.config.YamlFile;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Reads selectors as Istio's settings have them: a list of {@code podSelector} and {@code namespaceSelector}, each a
 * LabelSelector of Kubernetes. In YAML in {@code AMBIENT_ENABLEMENT_SELECTOR} and Helm values, in JSON in the plugin's
 * configuration. What Kubernetes would refuse is refused, and so is a key that nothing reads.
 */
public final class SelectorReader {
    private static final String POD_SELECTOR = "podSelector";
    private static final String NAMESPACE_SELECTOR = "namespaceSelector";
    private static final String MATCH_LABELS = "matchLabels";
    private static final String MATCH_EXPRESSIONS = "matchExpressions";
    private static final int MAX_VALUE_LENGTH = 63;

    private SelectorReader() {}

    /**
     * Reads a text.
     *
     * @param source what errors call it
     * @return the selectors; none for an empty text, which selects nobody
     * @throws ManifestException if it is not YAML, or no list of selectors; it says where, and what is possible there
     */
    public static List<EnablementSelector> read(String source, String text) {
        return YamlFile.value(source, text).map(SelectorReader::of).orElse(List.of());
    }

    /**
     * Reads a setting, which selects as Istio does where it is empty.
     *
     * @param source what errors call it
     * @throws ManifestException if it is not YAML, or no list of selectors
     */
    public static List<EnablementSelector> setting(String source, String text) {
        return text.isBlank() ? EnablementSelector.DEFAULT : read(source, text);
    }

    /**
     * Reads a part of a document.
     *
     * @throws ManifestException if it is no list of selectors
     */
    public static List<EnablementSelector> of(Yaml selectors) {
        return items(selectors).stream().map(SelectorReader::enablementSelector).toList();
    }

    private static EnablementSelector enablementSelector(Yaml yaml) {
        Map<String, Yaml> fields = fields(yaml, POD_SELECTOR, NAMESPACE_SELECTOR);
        return new EnablementSelector(labelSelector(fields, POD_SELECTOR), labelSelector(fields, NAMESPACE_SELECTOR));
    }

    private static LabelSelector labelSelector(Map<String, Yaml> parent, String name) {
        if (!parent.containsKey(name)) {
            return LabelSelector.EVERYTHING;
        }
        Map<String, Yaml> fields = fields(parent.get(name), MATCH_LABELS, MATCH_EXPRESSIONS);
        Map<String, String> labels = new LinkedHashMap<>();
        if (fields.containsKey(MATCH_LABELS)) {
            mapping(fields.get(MATCH_LABELS)).entries().forEach((key, entry) -> labels.put(key, value(entry.value())));
        }
        List<Requirement> requirements = new ArrayList<>();
        if (fields.containsKey(MATCH_EXPRESSIONS)) {
            items(fields.get(MATCH_EXPRESSIONS)).forEach(item -> requirements.add(requirement(item)));
        }
        return new LabelSelector(labels, requirements);
    }

    private static Requirement requirement(Yaml yaml) {
        Map<String, Yaml> fields = fields(yaml, "key", "operator", "values");
        String key = text(required(fields, "key", yaml));
        Yaml operatorAt = required(fields, "operator", yaml);
        Operator operator = operator(operatorAt);
        Set<String> values = new LinkedHashSet<>();
        if (fields.containsKey("values")) {
            items(fields.get("values")).forEach(item -> values.add(value(item)));
        }
        if (values.isEmpty() == operator.takesValues()) {
            throw new ManifestException(
                    fields.getOrDefault("values", operatorAt).at(),
                    operator.text()
                            + (operator.takesValues()
                                    ? " needs one or more values"
                                    : " takes no values; remove them, or use In or NotIn"));
        }
        return new Requirement(key, operator, values);
    }

    private static Operator operator(Yaml yaml) {
        String text = text(yaml);
        return Stream.of(Operator.values())
                .filter(operator -> operator.text().equals(text))
                .findFirst()
                .orElseThrow(() -> new ManifestException(
                        yaml.at(),
                        "operator \"" + text + "\" is unknown; possible are "
                                + Stream.of(Operator.values())
                                        .map(Operator::text)
                                        .collect(Collectors.joining(", "))));
    }

    /** The value of a label: up to 63 letters, digits and "-_." within them. */
    private static String value(Yaml yaml) {
        String text = text(yaml);
        boolean valid = text.length() <= MAX_VALUE_LENGTH
                && text.chars().allMatch(c -> isAlphanumeric(c) || c == '-' || c == '_' || c == '.')
                && (text.isEmpty()
                        || (isAlphanumeric(text.charAt(0)) && isAlphanumeric(text.charAt(text.length() - 1))));
        if (!valid) {
            throw new ManifestException(
                    yaml.at(),
                    "\"" + text + "\" cannot be the value of a label: up to " + MAX_VALUE_LENGTH
                            + " letters, digits, \"-\", \"_\" and \".\" are possible, with a letter or digit at both"
                            + " ends");
        }
        return text;
    }

    private static boolean isAlphanumeric(int c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    }

    private static String text(Yaml yaml) {
        return switch (yaml) {
            case Yaml.Scalar(Yaml.Position _, String text) -> text;
            case Yaml.Scalar scalar
            when !scalar.isNull() ->
                throw new ManifestException(
                        scalar.at(), scalar.text() + " is no text; write \"" + scalar.text() + "\" in quotes");
            case Yaml.Scalar _, Yaml.Sequence _, Yaml.Mapping _ ->
                throw new ManifestException(yaml.at(), "must be a text");
        };
    }

    private static Yaml required(Map<String, Yaml> fields, String name, Yaml parent) {
        return Optional.ofNullable(fields.get(name))
                .orElseThrow(() -> new ManifestException(parent.at(), "needs a \"" + name + "\""));
    }

    /** The fields of a mapping that have a value. */
    private static Map<String, Yaml> fields(Yaml yaml, String... known) {
        Map<String, Yaml> fields = new LinkedHashMap<>();
        mapping(yaml).entries().forEach((key, entry) -> {
            if (!List.of(known).contains(key)) {
                throw new ManifestException(
                        entry.at(), "\"" + key + "\" is unknown here; possible are " + String.join(", ", known));
            }
            if (!entry.value().isNull()) {
                fields.put(key, entry.value());
            }
        });
        return fields;
    }

    private static Yaml.Mapping mapping(Yaml yaml) {
        if (yaml instanceof Yaml.Mapping mapping) {
            return mapping;
        }
        throw new ManifestException(yaml.at(), "must be a mapping");
    }

    private static List<Yaml> items(Yaml yaml) {
        if (yaml instanceof Yaml.Sequence sequence) {
            return sequence.items();
        }
        throw new ManifestException(yaml.at(), "must be a list");
    }
}
