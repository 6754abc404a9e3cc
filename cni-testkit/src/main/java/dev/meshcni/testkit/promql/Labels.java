// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit.promql;

import java.util.Collection;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** The labels of a series by name, with that of its metric as {@value #NAME}. */
public final class Labels {
    static final String NAME = "__name__";

    /** No labels. */
    static final Labels NONE = new Labels(new TreeMap<>());

    private final SortedMap<String, String> all;
    private final String text;

    /** Takes them sorted by name, and for itself. */
    private Labels(SortedMap<String, String> all) {
        this.all = all;
        this.text = all.toString();
    }

    /** Labels of a map. */
    public static Labels of(Map<String, String> labels) {
        return new Labels(new TreeMap<>(labels));
    }

    /** The value of a label; a label that is absent is empty, as in Prometheus. */
    public String value(String name) {
        return all.getOrDefault(name, "");
    }

    Labels with(String name, String value) {
        SortedMap<String, String> more = new TreeMap<>(all);
        more.put(name, value);
        return new Labels(more);
    }

    Labels and(Labels others) {
        SortedMap<String, String> more = new TreeMap<>(all);
        more.putAll(others.all);
        return new Labels(more);
    }

    Labels without(Collection<String> names) {
        SortedMap<String, String> fewer = new TreeMap<>(all);
        fewer.keySet().removeAll(names);
        return new Labels(fewer);
    }

    Labels only(Collection<String> names) {
        SortedMap<String, String> fewer = new TreeMap<>(all);
        fewer.keySet().retainAll(names);
        return new Labels(fewer);
    }

    @Override
    public boolean equals(Object other) {
        return this == other || (other instanceof Labels labels && text.equals(labels.text) && all.equals(labels.all));
    }

    @Override
    public int hashCode() {
        return text.hashCode();
    }

    /** Made once: maps and sets of labels are what an evaluation consists of. */
    @Override
    public String toString() {
        return text;
    }
}
