// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.config;

import static java.util.Objects.requireNonNull;

import java.io.Serializable;
import java.math.BigDecimal;
import java.util.ArrayList;
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

    /** A string, number, boolean, or {@link #NULL}. */
    record Scalar(Position at, Object value) implements Yaml {
        /** What a key without a value has, or {@code null} or {@code ~} as its value. */
        public static final Object NULL = new Object() {
            @Override
            public String toString() {
                return "";
            }
        };

        private static final double MAX_PLAIN = 1e21;

        @Override
        public Object plain() {
            return isNull() ? "" : value;
        }

        @Override
        public Object json() {
            return isNull() ? null : value;
        }

        /** The value as Helm's templates and JSON print it: whole numbers without point and exponent. */
        public String text() {
            return value instanceof Double number && number == Math.rint(number) && Math.abs(number) < MAX_PLAIN
                    ? new BigDecimal(number).toPlainString()
                    : String.valueOf(value);
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

        @Override
        public Object json() {
            List<Object> json = new ArrayList<>();
            items.forEach(item -> json.add(item.json()));
            return json;
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

        @Override
        public Object json() {
            Map<String, Object> json = new LinkedHashMap<>();
            entries.forEach((key, entry) -> json.put(key, entry.value().json()));
            return json;
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

    /** The same without positions: maps, lists, strings, numbers and booleans; no value is the empty string. */
    Object plain();

    /** The same without positions, as JSON's values are mapped to Java: no value is {@code null}. */
    Object json();

    /** Returns whether there is no value. */
    default boolean isNull() {
        return this instanceof Scalar scalar && scalar.value().equals(Scalar.NULL);
    }

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
