// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleDescriptor.Requires;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReader;
import java.lang.module.ModuleReference;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The same arrows as {@link ArchitectureTest}, as the module descriptors state them. */
class ModuleDescriptorsTest {
    private static final String PREFIX = "dev.meshcni.";

    private static final Rooms ROOMS = Rooms.ofContributing();

    private final Map<String, ModuleDescriptor> modules = modules();

    @Test
    void everyModuleIsThere() {
        assertThat(modules.keySet()).containsExactlyInAnyOrderElementsOf(ROOMS.moduleNames());
    }

    @Test
    void eachRequiresOnlyModulesBelowIt() {
        List<String> order = ROOMS.moduleNames();
        modules.forEach((name, module) -> assertThat(required(module))
                .as(name)
                .filteredOn(required -> required.startsWith(PREFIX))
                .isSubsetOf(order.subList(order.indexOf(name) + 1, order.size())));
    }

    @Test
    void theGraphOfTheDaemonHoldsNoModuleOfTheCommandLine() {
        Set<String> graph = new TreeSet<>();
        reach("dev.meshcni.daemon", graph);

        assertThat(ROOMS.commandLine()).contains("dev.meshcni.cli", "dev.meshcni.doctor", "dev.meshcni.manifest");
        assertThat(graph).contains("dev.meshcni.install").doesNotContainAnyElementsOf(ROOMS.commandLine());
    }

    @Test
    void apiRequiresOnlyJackson() {
        assertThat(required(modules.get("dev.meshcni.api")))
                .allMatch(name -> name.startsWith("java.") || name.startsWith("com.fasterxml.jackson."));
    }

    @Test
    void coreRequiresOnlyTheEngine() {
        assertThat(required(modules.get("dev.meshcni.core")))
                .allMatch(name -> name.startsWith("java.")
                        || name.startsWith("com.fasterxml.jackson.")
                        || name.equals("dev.meshcni.redirect")
                        || name.equals("dev.meshcni.api"));
    }

    @Test
    void eachHasThePackagesOfItsRow() {
        references()
                .forEach((name, module) -> assertThat(packagesWithClasses(module))
                        .as(name)
                        .containsExactlyInAnyOrderElementsOf(ROOMS.packagesOf(name)));
    }

    @Test
    void noneIsOpen() {
        modules.forEach((name, module) -> assertThat(module.isOpen()).as(name).isFalse());
    }

    @Test
    void packagesAreOpenedToNamedModulesOnly() {
        modules.forEach(
                (name, module) -> assertThat(module.opens()).as(name).allMatch(ModuleDescriptor.Opens::isQualified));
    }

    private void reach(String name, Set<String> graph) {
        if (modules.containsKey(name) && graph.add(name)) {
            required(modules.get(name)).forEach(required -> reach(required, graph));
        }
    }

    private static Set<String> required(ModuleDescriptor module) {
        return module.requires().stream().map(Requires::name).collect(Collectors.toSet());
    }

    /** The descriptor also counts directories that hold nothing but resources. */
    private static Set<String> packagesWithClasses(ModuleReference module) {
        try (ModuleReader reader = module.open();
                Stream<String> entries = reader.list()) {
            return entries.filter(entry -> entry.endsWith(".class") && entry.indexOf('/') >= 0)
                    .map(entry -> entry.substring(0, entry.lastIndexOf('/')).replace('/', '.'))
                    .collect(Collectors.toSet());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Map<String, ModuleDescriptor> modules() {
        Map<String, ModuleDescriptor> modules = new TreeMap<>();
        references().forEach((name, module) -> modules.put(name, module.descriptor()));
        return modules;
    }

    private static Map<String, ModuleReference> references() {
        Stream<String> entries = Stream.of("java.class.path", "jdk.module.path")
                .map(path -> System.getProperty(path, ""))
                .flatMap(path -> Arrays.stream(path.split(File.pathSeparator, -1)));
        return entries.filter(entry -> entry.contains("cni-"))
                .flatMap(entry -> ModuleFinder.of(Path.of(entry)).findAll().stream())
                .filter(module -> module.descriptor().name().startsWith(PREFIX))
                .collect(Collectors.toMap(
                        module -> module.descriptor().name(), Function.identity(), (first, _) -> first, TreeMap::new));
    }
}
