// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit.promql;

import java.util.Collection;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The labels of a series by name, with that of its metric as {@value #NAME}.
 *
 * @param all sorted by name
 */
public record Labels(SortedMap<String, String> all) {
    static final String NAME = "__name__";

    /** No labels. */
    static final Labels NONE = new Labels(new TreeMap<>());

    public Labels {
        all = Collections.unmodifiableSortedMap(new TreeMap<>(all));
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
}
