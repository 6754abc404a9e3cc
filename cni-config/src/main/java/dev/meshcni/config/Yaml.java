// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.config;

import static java.util.Objects.requireNonNull;

import java.io.Serializable;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Part of a YAML document that knows where it stands, so that errors can point at it. */
public sealed interface Yaml {
    /**
     * A place in a file.
     *
     * @param source the file's name, or what stands for it
     * @param line from 1; 0 where there are no lines, as on a command line
     * @param column from 1
     */
    record Position(String source, int line, int column) implements Serializable {
        public Position {
            requireNonNull(source, "source is null");
        }

        @Override
        public String toString() {
            return line == 0 ? source : source + ":" + line + ":" + column;
        }
    }

    /** A string, number, boolean, or {@code null}, which is held as the string of no characters. */
    record Scalar(Position at, Object value) implements Yaml {
        public static final String NULL = "";

        @Override
        public Object plain() {
            return value;
        }
    }

    /** A list. */
    record Sequence(Position at, List<Yaml> items) implements Yaml {
        public Sequence {
            items = List.copyOf(items);
        }

        @Override
        public Object plain() {
            return items.stream().map(Yaml::plain).toList();
        }
    }

    /** A value with the place of its key. */
    record Entry(Position at, Yaml value) {}

    /** Keys and their values, in the order of the file. */
    record Mapping(Position at, Map<String, Entry> entries) implements Yaml {
        public Mapping {
            entries = Collections.unmodifiableMap(new LinkedHashMap<>(entries));
        }

        public static Mapping empty(Position at) {
            return new Mapping(at, Map.of());
        }

        /** A mapping of one key. */
        public static Mapping of(Position at, String key, Yaml value) {
            return new Mapping(at, Map.of(key, new Entry(at, value)));
        }

        @Override
        public Object plain() {
            Map<String, Object> plain = new LinkedHashMap<>();
            entries.forEach((key, entry) -> plain.put(key, entry.value().plain()));
            return plain;
        }

        /** This and another, whose values win; mappings in both are merged likewise. */
        public Mapping with(Mapping other) {
            Map<String, Entry> merged = new LinkedHashMap<>(entries);
            other.entries.forEach((key, entry) -> merged.merge(key, entry, Mapping::merge));
            return new Mapping(at, merged);
        }

        private static Entry merge(Entry before, Entry after) {
            return before.value() instanceof Mapping first && after.value() instanceof Mapping second
                    ? new Entry(after.at(), first.with(second))
                    : after;
        }
    }

    /** The position in the source. */
    Position at();

    /** The same without positions: maps, lists, strings, numbers and booleans. */
    Object plain();

    /** The place of what a path of keys and list indexes leads to, as far as it leads. */
    default Position locate(List<?> path) {
        Yaml node = this;
        Position found = at();
        for (Object step : path) {
            if (node instanceof Mapping mapping && mapping.entries().containsKey(String.valueOf(step))) {
                Entry entry = mapping.entries().get(String.valueOf(step));
                found = entry.at();
                node = entry.value();
            } else if (node instanceof Sequence sequence
                    && step instanceof Integer index
                    && index >= 0
                    && index < sequence.items().size()) {
                node = sequence.items().get(index);
                found = node.at();
            } else {
                return found;
            }
        }
        return found;
    }
}
