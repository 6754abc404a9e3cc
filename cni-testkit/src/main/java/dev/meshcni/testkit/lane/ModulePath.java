// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit.lane;

import java.lang.module.FindException;
import java.lang.module.ModuleDescriptor.Requires;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Our modules and all that they require. What only tests need is on the class path, as it is for Surefire. */
final class ModulePath {
    private final SortedMap<String, ModuleReference> modules;
    private final Map<String, Set<String>> required = new HashMap<>();

    private ModulePath(SortedMap<String, ModuleReference> modules) {
        this.modules = modules;
    }

    static ModulePath of(Collection<ModuleReference> ours, Collection<Path> libraries) {
        Map<String, ModuleReference> known = new HashMap<>();
        libraries.forEach(library -> find(library).forEach(module -> known.putIfAbsent(name(module), module)));
        ours.forEach(module -> known.put(name(module), module));
        SortedMap<String, ModuleReference> needed = new TreeMap<>();
        ours.forEach(module -> reach(module, known, needed));
        return new ModulePath(needed);
    }

    /** Where they are. */
    Set<Path> locations() {
        return modules.values().stream()
                .map(module -> Path.of(module.location().orElseThrow()))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    Stream<String> names() {
        return modules.keySet().stream();
    }

    /** Whether one of them requires another, directly or not; true of a module and itself. */
    boolean requires(String name, String other) {
        return required.computeIfAbsent(name, this::requiredBy).contains(other);
    }

    private Set<String> requiredBy(String name) {
        Map<String, ModuleReference> reached = new HashMap<>();
        reach(modules.get(name), modules, reached);
        return reached.keySet();
    }

    private static void reach(
            ModuleReference module, Map<String, ModuleReference> known, Map<String, ModuleReference> reached) {
        if (reached.putIfAbsent(name(module), module) == null) {
            module.descriptor().requires().stream()
                    .filter(requires -> !requires.modifiers().contains(Requires.Modifier.STATIC))
                    .map(requires -> known.get(requires.name()))
                    .filter(required -> required != null)
                    .forEach(required -> reach(required, known, reached));
        }
    }

    private static Set<ModuleReference> find(Path library) {
        try {
            return ModuleFinder.of(library).findAll();
        } catch (FindException e) {
            // No name of a module can be derived from that of the file: it cannot be required.
            return Set.of();
        }
    }

    private static String name(ModuleReference module) {
        return module.descriptor().name();
    }
}
