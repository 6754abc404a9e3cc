// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.dist;

import static java.util.Objects.requireNonNull;

import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleDescriptor.Requires;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Which modules are linked into the run-time image, and which stay jars on a module path.
 *
 * <p>Linked is what both programs require and {@code jlink} can take, which is no automatic module: what comes from the
 * image needs no jar to be opened, and stays valid when a copy loses its files' times.
 *
 * @param linked the jars of the modules in the image, by module name
 * @param path the jars of the module path of both programs, by module name
 * @param commandLine the jars that only the command line has, by module name
 * @param platform the JDK's modules that all of them need
 */
public record ModuleSplit(
        Map<String, Path> linked, Map<String, Path> path, Map<String, Path> commandLine, Set<String> platform) {
    private static final Set<String> LINKED = Set.of("dev.meshcni.netns.linux", "dev.meshcni.host.linux");
    private static final String DAEMON = "dev.meshcni.daemon";
    private static final String COMMAND_LINE = "dev.meshcni.cli";
    private static final String OURS = "dev.meshcni.";

    /** The modules of the JDK that automatic modules need, as jdeps reports them: they cannot say so themselves. */
    private static final Set<String> NEEDED_BY_AUTOMATIC_MODULES = Set.of("java.net.http");

    public ModuleSplit {
        requireNonNull(linked, "linked is null");
        requireNonNull(path, "path is null");
        requireNonNull(commandLine, "commandLine is null");
        requireNonNull(platform, "platform is null");
    }

    /**
     * Splits the modules in {@code jars}.
     *
     * @throws AssemblyException if one to be linked is not among them, or requires an automatic module
     */
    static ModuleSplit of(Collection<Path> jars) {
        Map<String, ModuleReference> modules = ModuleFinder.of(jars.toArray(Path[]::new)).findAll().stream()
                .collect(Collectors.toMap(
                        reference -> reference.descriptor().name(),
                        reference -> reference,
                        (first, second) -> first,
                        LinkedHashMap::new));
        for (String root : List.of(DAEMON, COMMAND_LINE)) {
            if (!modules.containsKey(root)) {
                throw new AssemblyException("No module " + root + " among " + jars);
            }
        }
        Set<String> linked = closure(LINKED, modules);
        linked.forEach(name -> requireNoAutomatic(name, modules));
        Set<String> commandLine = closure(Set.of(COMMAND_LINE), modules);
        commandLine.removeIf(name -> !name.startsWith(OURS));
        commandLine.removeAll(closure(Set.of(DAEMON), modules));
        commandLine.removeAll(linked);
        return new ModuleSplit(
                locations(modules, linked::contains),
                locations(modules, name -> !linked.contains(name) && !commandLine.contains(name)),
                locations(modules, commandLine::contains),
                platform(modules));
    }

    private static Set<String> closure(Set<String> roots, Map<String, ModuleReference> modules) {
        Set<String> reached = new TreeSet<>();
        Deque<String> open = new ArrayDeque<>(roots);
        while (!open.isEmpty()) {
            String name = open.remove();
            if (modules.containsKey(name) && reached.add(name)) {
                needed(modules.get(name).descriptor()).forEach(open::add);
            }
        }
        return reached;
    }

    private static void requireNoAutomatic(String name, Map<String, ModuleReference> modules) {
        if (modules.get(name).descriptor().isAutomatic()) {
            throw new AssemblyException("A module that is linked into the run-time image requires " + name
                    + ", an automatic module, which jlink cannot link: move what needs it to a module that stays on the"
                    + " module path");
        }
    }

    private static Set<String> platform(Map<String, ModuleReference> modules) {
        Set<String> platform = new TreeSet<>(NEEDED_BY_AUTOMATIC_MODULES);
        Set<String> jdk = ModuleFinder.ofSystem().findAll().stream()
                .map(reference -> reference.descriptor().name())
                .collect(Collectors.toSet());
        for (ModuleReference reference : modules.values()) {
            needed(reference.descriptor()).filter(jdk::contains).forEach(platform::add);
        }
        return platform;
    }

    private static Stream<String> needed(ModuleDescriptor descriptor) {
        return descriptor.requires().stream()
                .filter(requires -> !requires.modifiers().contains(Requires.Modifier.STATIC))
                .map(Requires::name)
                .filter(name -> !JnaModule.drops(descriptor.name(), name));
    }

    private static Map<String, Path> locations(Map<String, ModuleReference> modules, Predicate<String> wanted) {
        Map<String, Path> locations = new LinkedHashMap<>();
        modules.forEach((name, reference) -> {
            if (wanted.test(name)) {
                locations.put(name, Path.of(reference.location().orElseThrow()));
            }
        });
        return locations;
    }
}
