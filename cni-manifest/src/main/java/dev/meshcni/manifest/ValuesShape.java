// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import dev.meshcni.config.Yaml;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Values of Istio's chart istio-cni in one shape, with the CNI's own below {@code cni}. The chart takes them at the top
 * level as well, where those below {@code cni} win over them, and its own file of defaults has them below one more key.
 *
 * @param values the values, without those of that key
 * @param defaults what a copy of the defaults has below {@code cni}; a platform's values win over them
 */
record ValuesShape(Yaml.Mapping values, Yaml.Mapping defaults) {
    private static final String CNI = "cni";

    /** The keys around the defaults in the chart's file: today's, and that of Istio 1.21 to 1.23. */
    private static final List<String> DEFAULTS = List.of("_internal_defaults_do_not_set", "defaults");

    private static final Set<String> FLAT = flat();

    /** The keys at the top level of such values, in both shapes. */
    static Set<String> keys() {
        Set<String> keys = new TreeSet<>(IstioSettings.below("values"));
        keys.addAll(IstioSettings.below("values.cni"));
        // Files are shared with the chart istiod, which takes its values at the top level, too.
        keys.addAll(IstioSettings.below("values.pilot"));
        return keys;
    }

    /** Returns whether a key belongs to the CNI though it is at the top level. */
    static boolean isFlat(String key) {
        return FLAT.contains(key);
    }

    static ValuesShape of(Yaml.Mapping values) {
        Map<String, Yaml.Entry> set = new LinkedHashMap<>(values.entries());
        Yaml.Mapping defaults = Yaml.Mapping.empty(values.at());
        for (String key : DEFAULTS) {
            if (set.get(key) instanceof Yaml.Entry(Yaml.Position _, Yaml.Mapping inner)) {
                set.remove(key);
                defaults = over(defaults, nested(inner));
            }
        }
        Yaml.Mapping upper = nested(new Yaml.Mapping(values.at(), set));
        Map<String, Yaml.Entry> others = new LinkedHashMap<>(defaults.entries());
        Yaml.Entry below = others.remove(CNI);
        return new ValuesShape(
                over(new Yaml.Mapping(values.at(), others), upper),
                below != null && below.value() instanceof Yaml.Mapping mapping
                        ? mapping
                        : Yaml.Mapping.empty(values.at()));
    }

    /** Mappings merged as {@link Yaml.Mapping#with}, except that no value above leaves the value below. */
    static Yaml.Mapping over(Yaml.Mapping below, Yaml.Mapping above) {
        Map<String, Yaml.Entry> merged = new LinkedHashMap<>(below.entries());
        above.entries().forEach((key, entry) -> merged.merge(key, entry, ValuesShape::over));
        return new Yaml.Mapping(below.at(), merged);
    }

    private static Yaml.Entry over(Yaml.Entry below, Yaml.Entry above) {
        if (above.value().isNull()) {
            return below;
        }
        return below.value() instanceof Yaml.Mapping first && above.value() instanceof Yaml.Mapping second
                ? new Yaml.Entry(above.at(), over(first, second))
                : above;
    }

    private static Yaml.Mapping nested(Yaml.Mapping values) {
        Map<String, Yaml.Entry> cni = new LinkedHashMap<>();
        Map<String, Yaml.Entry> others = new LinkedHashMap<>();
        values.entries().forEach((key, entry) -> (isFlat(key) ? cni : others).put(key, entry));
        if (cni.isEmpty()) {
            return values;
        }
        Yaml.Mapping flat = new Yaml.Mapping(values.at(), cni);
        others.merge(CNI, new Yaml.Entry(values.at(), flat), (own, all) -> over(all, own));
        return new Yaml.Mapping(values.at(), others);
    }

    private static Set<String> flat() {
        Set<String> flat = new TreeSet<>(IstioSettings.below("values.cni"));
        flat.removeAll(IstioSettings.below("values"));
        // The chart istiod reads it from the same file, and the nodes of istiod are not those of the CNI.
        flat.remove("nodeSelector");
        return flat;
    }
}
