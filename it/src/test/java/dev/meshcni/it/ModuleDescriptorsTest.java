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
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The same arrows as {@link ArchitectureTest}, as the module descriptors state them. */
class ModuleDescriptorsTest {
    private static final String PREFIX = "dev.meshcni.";

    /** Which modules of the product a module may require. */
    private static final Map<String, Set<String>> ARROWS = Map.ofEntries(
            Map.entry("dev.meshcni.plugin", Set.of("dev.meshcni.api", "dev.meshcni.core", "dev.meshcni.host.linux")),
            Map.entry("dev.meshcni.api", Set.of()),
            Map.entry("dev.meshcni.core", Set.of("dev.meshcni.api")),
            Map.entry("dev.meshcni.netlink", Set.of()),
            Map.entry("dev.meshcni.nftables", Set.of("dev.meshcni.core", "dev.meshcni.netlink")),
            Map.entry(
                    "dev.meshcni.netns.linux",
                    Set.of(
                            "dev.meshcni.core",
                            "dev.meshcni.api",
                            "dev.meshcni.netlink",
                            "dev.meshcni.nftables",
                            "dev.meshcni.libc")),
            Map.entry("dev.meshcni.libc", Set.of("dev.meshcni.core", "dev.meshcni.netlink")),
            Map.entry("dev.meshcni.host.linux", Set.of()),
            Map.entry("dev.meshcni.chain.ptp", Set.of("dev.meshcni.api")),
            Map.entry("dev.meshcni.chain.calico", Set.of("dev.meshcni.api")),
            Map.entry("dev.meshcni.chain.multus", Set.of("dev.meshcni.api")),
            Map.entry("dev.meshcni.daemon", Set.of("dev.meshcni.core", "dev.meshcni.api", "dev.meshcni.host.linux")),
            Map.entry(
                    "dev.meshcni.cli",
                    Set.of(
                            "dev.meshcni.api",
                            "dev.meshcni.core",
                            "dev.meshcni.netns.linux",
                            "dev.meshcni.host.linux",
                            "dev.meshcni.chain.ptp",
                            "dev.meshcni.chain.calico",
                            "dev.meshcni.chain.multus",
                            "dev.meshcni.daemon")));

    private final Map<String, ModuleDescriptor> modules = modules();

    @Test
    void everyModuleIsThere() {
        assertThat(modules.keySet()).containsExactlyInAnyOrderElementsOf(ARROWS.keySet());
    }

    @Test
    void eachRequiresOnlyModulesBelowIt() {
        modules.forEach((name, module) -> assertThat(required(module))
                .as(name)
                .filteredOn(required -> required.startsWith(PREFIX))
                .isSubsetOf(ARROWS.get(name)));
    }

    @Test
    void apiRequiresOnlyJackson() {
        assertThat(required(modules.get("dev.meshcni.api")))
                .allMatch(name -> name.startsWith("java.") || name.startsWith("com.fasterxml.jackson."));
    }

    @Test
    void coreRequiresOnlyApi() {
        assertThat(required(modules.get("dev.meshcni.core")))
                .allMatch(name -> name.startsWith("java.")
                        || name.startsWith("com.fasterxml.jackson.")
                        || name.equals("dev.meshcni.api"));
    }

    @Test
    void eachHasOnePackageAndAtMostAnSpi() {
        references()
                .forEach((name, module) ->
                        assertThat(packagesWithClasses(module)).as(name).isSubsetOf(name, name + ".spi"));
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
        Stream<String> classPath =
                Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1));
        return classPath
                .filter(entry -> entry.contains("cni-"))
                .flatMap(entry -> ModuleFinder.of(Path.of(entry)).findAll().stream())
                .filter(module -> module.descriptor().name().startsWith(PREFIX))
                .collect(Collectors.toMap(
                        module -> module.descriptor().name(), Function.identity(), (first, _) -> first, TreeMap::new));
    }
}
