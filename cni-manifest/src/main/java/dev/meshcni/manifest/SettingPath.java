// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import dev.meshcni.config.ManifestException;
import dev.meshcni.config.Yaml;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A setting of the command line, {@code KEY.KEY[INDEX]=VALUE}, as Helm and istioctl take it: a dot or equals sign that
 * belongs to a key is written with a backslash before it.
 */
final class SettingPath {
    private static final Pattern STEP =
            Pattern.compile("(?<key>(?:[^\\\\.=\\[]|\\\\.)+)(?<indexes>(?:\\[\\d{1,4}\\])*)");
    private static final Pattern INDEX = Pattern.compile("\\[(\\d+)\\]");

    private final Yaml.Position at;

    private SettingPath(Yaml.Position at) {
        this.at = at;
    }

    /**
     * Puts a setting into a document.
     *
     * @throws ManifestException if it has not the form of a setting, or a list is as long as that only by an index that
     *     leaves places out
     */
    static Yaml.Mapping apply(String setting, Yaml.Mapping document) {
        SettingPath path = new SettingPath(new Yaml.Position("--set " + setting, 0, 0));
        List<Object> steps = new ArrayList<>();
        int end = path.read(setting, steps);
        return (Yaml.Mapping) path.put(document, steps, path.value(setting.substring(end + 1)));
    }

    /** Reads the steps, keys and indexes; returns where the equals sign is. */
    private int read(String setting, List<Object> steps) {
        Matcher step = STEP.matcher(setting);
        int place = 0;
        while (step.find(place) && step.start() == place) {
            steps.add(step.group("key").replaceAll("\\\\(.)", "$1"));
            INDEX.matcher(step.group("indexes")).results().forEach(index -> steps.add(Integer.valueOf(index.group(1))));
            place = step.end();
            if (place < setting.length() && setting.charAt(place) == '=') {
                return place;
            }
            if (place >= setting.length() || setting.charAt(place) != '.') {
                break;
            }
            place++;
        }
        throw new ManifestException(at, "must be KEY.KEY=VALUE; write a dot within a key as \\., a list index as [0]");
    }

    private Yaml put(Yaml into, List<Object> steps, Yaml value) {
        if (steps.isEmpty()) {
            return value;
        }
        List<Object> further = steps.subList(1, steps.size());
        return switch (steps.getFirst()) {
            case Integer index -> {
                List<Yaml> items = new ArrayList<>(into instanceof Yaml.Sequence list ? list.items() : List.of());
                if (index > items.size()) {
                    throw new ManifestException(
                            at, "[" + index + "] is out of range; the list has length " + items.size());
                }
                Yaml before = index < items.size() ? items.get(index) : Yaml.Mapping.empty(at);
                Yaml item = put(before, further, value);
                if (index < items.size()) {
                    items.set(index, item);
                } else {
                    items.add(item);
                }
                yield new Yaml.Sequence(at, items);
            }
            default -> {
                String key = (String) steps.getFirst();
                Map<String, Yaml.Entry> entries =
                        new LinkedHashMap<>(into instanceof Yaml.Mapping mapping ? mapping.entries() : Map.of());
                Yaml before = entries.containsKey(key) ? entries.get(key).value() : Yaml.Mapping.empty(at);
                entries.put(key, new Yaml.Entry(at, put(before, further, value)));
                yield new Yaml.Mapping(into.at(), entries);
            }
        };
    }

    /** A list is written {@code {a,b}}, as Helm takes it. */
    private Yaml value(String text) {
        if (text.startsWith("{") && text.endsWith("}")) {
            return new Yaml.Sequence(
                    at,
                    Stream.of(text.substring(1, text.length() - 1).split(",", -1))
                            .filter(item -> !item.isBlank())
                            .map(item -> (Yaml) new Yaml.Scalar(at, item.strip()))
                            .toList());
        }
        return new Yaml.Scalar(at, scalar(text));
    }

    private static Object scalar(String text) {
        return switch (text) {
            case "true", "false" -> Boolean.valueOf(text);
            default -> text.matches("0|[1-9][0-9]{0,8}") ? Integer.valueOf(text) : text;
        };
    }
}
