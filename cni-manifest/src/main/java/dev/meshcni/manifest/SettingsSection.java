// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import static java.util.Objects.requireNonNull;

import dev.meshcni.config.ManifestException;
import dev.meshcni.config.ManifestException.Problem;
import dev.meshcni.config.Yaml;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * One mapping of the settings, read key by key. Its keys are those that {@link IstioSettings} lists; any other that is
 * there is a problem when the section is closed. A value of the wrong kind is a problem too, and counts as absent.
 */
final class SettingsSection implements AutoCloseable {
    private final String path;
    private final String shown;
    private final Set<String> known;
    private final Yaml.Mapping mapping;
    private final List<Problem> problems;

    /**
     * @param path the keys that lead here in the spec, separated by dots
     * @param shown the same in the input, which errors show
     * @param known the keys that it may have
     * @param problems where problems are added
     */
    SettingsSection(String path, String shown, Set<String> known, Yaml.Mapping mapping, List<Problem> problems) {
        this.path = requireNonNull(path, "path is null");
        this.shown = requireNonNull(shown, "shown is null");
        this.known = Set.copyOf(known);
        this.mapping = requireNonNull(mapping, "mapping is null");
        this.problems = requireNonNull(problems, "problems is null");
    }

    /** The mapping at a key; an empty one if there is none. */
    SettingsSection section(String key) {
        return section(key, name(key), IstioSettings.below(path(key)));
    }

    /** The same under another name and with other keys. */
    SettingsSection section(String key, String name, Set<String> keys) {
        Yaml value = value(key).orElseGet(() -> Yaml.Mapping.empty(mapping.at()));
        Yaml.Mapping inner = value instanceof Yaml.Mapping found ? found : Yaml.Mapping.empty(value.at());
        if (!(value instanceof Yaml.Mapping)) {
            problem(value.at(), key, "must be a mapping");
        }
        return new SettingsSection(path(key), name, keys, inner, problems);
    }

    /** The same with further entries, which count where this has none. */
    SettingsSection over(Yaml.Mapping defaults) {
        return new SettingsSection(path, shown, known, ValuesShape.over(defaults, mapping), problems);
    }

    /** A text; numbers and booleans count as what they were written as. */
    Optional<String> text(String key) {
        return value(key).flatMap(value -> {
            if (value instanceof Yaml.Scalar scalar) {
                return Optional.of(scalar.text()).filter(text -> !text.isEmpty());
            }
            problem(value.at(), key, "must be a string");
            return Optional.empty();
        });
    }

    /** A text that is one of some. */
    Optional<String> oneOf(String key, Set<String> allowed) {
        Optional<String> text = text(key);
        if (text.isPresent() && !allowed.contains(text.get())) {
            problem(key, "is '" + text.get() + "', but must be one of " + String.join(", ", new TreeSet<>(allowed)));
            return Optional.empty();
        }
        return text;
    }

    /** An absolute path. */
    Optional<String> directory(String key) {
        Optional<String> text = text(key).map(path -> path.length() > 1 ? path.replaceFirst("/+$", "") : path);
        if (text.isPresent() && !text.get().startsWith("/")) {
            problem(key, "is '" + text.get() + "', but must be an absolute path on the node");
            return Optional.empty();
        }
        return text;
    }

    Optional<Boolean> flag(String key) {
        return value(key).flatMap(value -> {
            if (value instanceof Yaml.Scalar(Yaml.Position _, Boolean flag)) {
                return Optional.of(flag);
            }
            problem(value.at(), key, "must be true or false");
            return Optional.empty();
        });
    }

    Optional<Integer> number(String key) {
        return value(key).flatMap(value -> {
            if (value instanceof Yaml.Scalar(Yaml.Position _, Integer number) && number >= 0) {
                return Optional.of(number);
            }
            problem(value.at(), key, "must be a number, 0 or more");
            return Optional.empty();
        });
    }

    Optional<List<String>> texts(String key) {
        return value(key).flatMap(value -> {
            if (value instanceof Yaml.Sequence sequence
                    && sequence.items().stream().allMatch(Yaml.Scalar.class::isInstance)) {
                return Optional.of(sequence.items().stream()
                        .map(item -> ((Yaml.Scalar) item).text())
                        .toList());
            }
            problem(value.at(), key, "must be a list of strings");
            return Optional.empty();
        });
    }

    /** Keys that are not fixed, with texts; a key without a value is left out. */
    Map<String, String> map(String key) {
        Map<String, String> map = new LinkedHashMap<>();
        value(key).ifPresent(value -> {
            if (value instanceof Yaml.Mapping entries) {
                entries.entries()
                        .forEach((name, entry) ->
                                text(key + "." + name, entry.value()).ifPresent(text -> map.put(name, text)));
            } else {
                problem(value.at(), key, "must be a mapping");
            }
        });
        return map;
    }

    private Optional<String> text(String name, Yaml value) {
        if (value instanceof Yaml.Scalar scalar) {
            return value.isNull() ? Optional.empty() : Optional.of(scalar.text());
        }
        problem(value.at(), name, "must be a string");
        return Optional.empty();
    }

    /** A part that is one of Kubernetes' own types. */
    <T> Optional<T> kubernetes(String key, Class<T> type) {
        return value(key).flatMap(value -> convert(key, value, type));
    }

    /** A list of parts that are of one of Kubernetes' own types. */
    <T> Optional<List<T>> kubernetesList(String key, Class<T> type) {
        return value(key).flatMap(value -> {
            if (!(value instanceof Yaml.Sequence sequence)) {
                problem(value.at(), key, "must be a list");
                return Optional.empty();
            }
            List<T> items = new ArrayList<>();
            for (int i = 0; i < sequence.items().size(); i++) {
                convert(key + "[" + i + "]", sequence.items().get(i), type).ifPresent(items::add);
            }
            return Optional.of(items);
        });
    }

    /** A part that another reader takes; what that one finds wrong is a problem of this key. */
    <T> Optional<T> part(String key, Function<Yaml, T> reader) {
        return value(key).flatMap(value -> {
            try {
                return Optional.of(reader.apply(value));
            } catch (ManifestException e) {
                e.problems()
                        .forEach(problem -> problems.add(new Problem(
                                problem.position(),
                                name(key) + ": " + problem.message(),
                                problem.key(),
                                problem.known())));
                return Optional.empty();
            }
        });
    }

    /** A list of mappings whose keys are not fixed. */
    List<Yaml.Mapping> mappings(String key) {
        List<Yaml.Mapping> mappings = new ArrayList<>();
        value(key).ifPresent(value -> {
            if (value instanceof Yaml.Sequence sequence
                    && sequence.items().stream().allMatch(Yaml.Mapping.class::isInstance)) {
                sequence.items().forEach(item -> mappings.add((Yaml.Mapping) item));
            } else {
                problem(value.at(), key, "must be a list of mappings");
            }
        });
        return mappings;
    }

    boolean has(String key) {
        return mapping.entries().containsKey(key);
    }

    /** Adds a problem with the value of a key. */
    void problem(String key, String message) {
        problem(at(key), key, message);
    }

    /** The position of the key, or of the section if the key is absent. */
    Yaml.Position at(String key) {
        Yaml.Entry entry = mapping.entries().get(key);
        return entry == null ? mapping.at() : entry.at();
    }

    /** Reports the keys that were not read. */
    @Override
    public void close() {
        mapping.entries().forEach((key, entry) -> {
            if (!known.contains(key)) {
                problems.add(unknown(key, entry));
            }
        });
    }

    private Problem unknown(String key, Yaml.Entry entry) {
        return IstioSettings.below(path("cni")).contains(key)
                ? Problem.of(entry.at(), name(key) + " belongs below " + name("cni"))
                : new Problem(entry.at().toString(), "unknown key " + name(key), key, known);
    }

    private Optional<Yaml> value(String key) {
        if (!known.contains(key)) {
            throw new IllegalStateException(path(key) + " is read, but not listed");
        }
        return Optional.ofNullable(mapping.entries().get(key))
                .map(Yaml.Entry::value)
                .filter(value -> !value.isNull());
    }

    private <T> Optional<T> convert(String key, Yaml value, Class<T> type) {
        try {
            return Optional.of(StrictModel.read(name(key), value, type));
        } catch (ManifestException e) {
            problems.addAll(e.problems());
            return Optional.empty();
        }
    }

    private void problem(Yaml.Position at, String key, String message) {
        problems.add(Problem.of(at, name(key) + " " + message));
    }

    private String path(String key) {
        return path.isEmpty() ? key : path + "." + key;
    }

    /** The name of a key in the input. */
    String name(String key) {
        return shown.isEmpty() ? key : shown + "." + key;
    }
}
