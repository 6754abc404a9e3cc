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
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Which modules are linked into the run-time image, and which stay jars on the module path.
 *
 * <p>Linked is what the command line requires without an automatic module, of which {@code jlink} takes none: what comes from the image needs
 * no jar to be opened, and stays valid when a copy loses its files' times.
 *
 * @param linked the jars of the modules in the image, by module name
 * @param path the jars of the module path, by module name
 * @param platform the JDK's modules that all of them need
 */
public record ModuleSplit(Map<String, Path> linked, Map<String, Path> path, Set<String> platform) {
    /** What automatic modules need of the JDK, as jdeps reports it: they cannot say so themselves. */
    private static final Set<String> NEEDED_BY_AUTOMATIC_MODULES = Set.of("java.net.http");

    public ModuleSplit {
        requireNonNull(linked, "linked is null");
        requireNonNull(path, "path is null");
        requireNonNull(platform, "platform is null");
    }

    /**
     * Splits the modules in {@code jars}.
     *
     * @throws AssemblyException if {@code root} is not among them, or requires an automatic module
     */
    static ModuleSplit of(String root, Collection<Path> jars) {
        Map<String, ModuleReference> modules = ModuleFinder.of(jars.toArray(Path[]::new)).findAll().stream()
                .collect(Collectors.toMap(
                        reference -> reference.descriptor().name(),
                        reference -> reference,
                        (first, second) -> first,
                        LinkedHashMap::new));
        if (!modules.containsKey(root)) {
            throw new AssemblyException("No module " + root + " among " + jars);
        }
        Set<String> linked = closure(root, modules);
        return new ModuleSplit(
                locations(modules, linked::contains),
                locations(modules, name -> !linked.contains(name)),
                platform(modules));
    }

    private static Set<String> closure(String root, Map<String, ModuleReference> modules) {
        Set<String> reached = new TreeSet<>();
        Deque<String> open = new ArrayDeque<>(Set.of(root));
        while (!open.isEmpty()) {
            String name = open.remove();
            if (!reached.add(name)) {
                continue;
            }
            for (String required : needed(modules.get(name).descriptor()).toList()) {
                ModuleReference reference = modules.get(required);
                if (reference != null && reference.descriptor().isAutomatic()) {
                    throw new AssemblyException(
                            "Module " + name + " is linked into the run-time image but requires " + required
                                    + ", an automatic module, which jlink cannot link: make the requirement static"
                                    + " or move what needs it to a module that stays on the module path");
                }
                if (reference != null) {
                    open.add(required);
                }
            }
        }
        return reached;
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
