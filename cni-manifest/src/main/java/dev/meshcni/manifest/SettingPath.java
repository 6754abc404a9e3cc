// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import dev.meshcni.config.ManifestException;
import dev.meshcni.config.Yaml;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The keys and list places that lead to a setting, such as {@code values.cni.excludeNamespaces[0]}.
 *
 * @param at what errors name
 */
record SettingPath(Yaml.Position at, List<Step> steps) {
    /** One step of a path. */
    sealed interface Step {}

    /** A key of a mapping. */
    record Key(String name) implements Step {}

    /** A place in a list. */
    record Index(int index) implements Step {}

    /** The item of a list that has a value at a key: istioctl's {@code [name:web]}. */
    record Item(String key, String value) implements Step {}

    /** The place behind the last item of a list. */
    static final int BEHIND = -1;

    SettingPath {
        steps = List.copyOf(steps);
    }

    /** The first key. */
    String first() {
        return ((Key) steps.getFirst()).name();
    }

    /** The same below further keys. */
    SettingPath below(String... keys) {
        List<Step> further = new ArrayList<>();
        for (String key : keys) {
            further.add(new Key(key));
        }
        further.addAll(steps);
        return new SettingPath(at, further);
    }

    /** The keys before the first place in a list. */
    List<String> keys() {
        return steps.stream()
                .takeWhile(Key.class::isInstance)
                .map(step -> ((Key) step).name())
                .collect(Collectors.toList());
    }

    /**
     * The document with a value at this path; without the path if there is no value.
     *
     * @throws ManifestException if a place of a list is out of range
     */
    Yaml.Mapping put(Yaml value, Yaml.Mapping document) {
        return (Yaml.Mapping) put(document, steps, value);
    }

    private Yaml put(Yaml into, List<Step> path, Yaml value) {
        if (path.isEmpty()) {
            return value;
        }
        List<Step> further = path.subList(1, path.size());
        return switch (path.getFirst()) {
            case Key key -> putKey(into, key.name(), further, value);
            case Index place -> putItem(items(into), place.index(), further, value);
            case Item item -> putItem(items(into), find(items(into), item), further, value);
        };
    }

    private Yaml putKey(Yaml into, String key, List<Step> further, Yaml value) {
        Map<String, Yaml.Entry> entries =
                new LinkedHashMap<>(into instanceof Yaml.Mapping mapping ? mapping.entries() : Map.of());
        Yaml before = entries.containsKey(key) ? entries.get(key).value() : Yaml.Mapping.empty(at);
        if (further.isEmpty() && value.isNull()) {
            entries.remove(key);
        } else {
            entries.put(key, new Yaml.Entry(at, put(before, further, value)));
        }
        return new Yaml.Mapping(into.at(), entries);
    }

    private Yaml putItem(List<Yaml> items, int wanted, List<Step> further, Yaml value) {
        int place = wanted == BEHIND ? items.size() : wanted;
        if (place > items.size()) {
            throw new ManifestException(at, "[" + place + "] is out of range; the list has length " + items.size());
        }
        List<Yaml> changed = new ArrayList<>(items);
        if (place == items.size()) {
            changed.add(put(Yaml.Mapping.empty(at), further, value));
        } else if (further.isEmpty() && value.isNull()) {
            changed.remove(place);
        } else {
            changed.set(place, put(items.get(place), further, value));
        }
        return new Yaml.Sequence(at, changed);
    }

    private int find(List<Yaml> items, Item wanted) {
        for (int i = 0; i < items.size(); i++) {
            if (items.get(i) instanceof Yaml.Mapping mapping
                    && mapping.entries().get(wanted.key()) instanceof Yaml.Entry(Yaml.Position _, Yaml.Scalar scalar)
                    && scalar.text().equals(wanted.value())) {
                return i;
            }
        }
        throw new ManifestException(at, "no item of the list has " + wanted.key() + ": " + wanted.value());
    }

    private static List<Yaml> items(Yaml into) {
        return into instanceof Yaml.Sequence list ? list.items() : List.of();
    }
}
