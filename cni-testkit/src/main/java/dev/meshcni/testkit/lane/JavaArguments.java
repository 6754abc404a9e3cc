// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit.lane;

import java.io.File;
import java.lang.module.ModuleReference;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The arguments of a JVM in which the tests of all modules run, each in its module.
 *
 * <p>Surefire gives a module's tests a JVM whose module path holds what the module requires and whose class path holds
 * the rest. Here, where other modules need that rest as modules, the tests may read and access them as if they were on
 * the class path, and no more.
 */
final class JavaArguments {
    private static final String UNNAMED = "ALL-UNNAMED";

    private final List<CompiledModule> modules;
    private final List<Path> libraries;
    private final ModulePath path;
    private final List<String> arguments = new ArrayList<>();

    private JavaArguments(List<CompiledModule> modules) {
        this.modules = modules;
        this.libraries = Libraries.of(modules);
        this.path = ModulePath.of(
                modules.stream()
                        .map(CompiledModule::reference)
                        .flatMap(Optional::stream)
                        .toList(),
                libraries);
    }

    static List<String> of(List<CompiledModule> modules) {
        JavaArguments arguments = new JavaArguments(modules);
        arguments.paths();
        modules.stream()
                .filter(module -> module.reference().isPresent())
                .forEach(module -> arguments.patch(module, module.reference().orElseThrow()));
        return arguments.arguments;
    }

    private void paths() {
        Set<Path> required = path.locations();
        Stream<Path> classes = modules.stream()
                .filter(module -> module.reference().isEmpty())
                .flatMap(module -> Stream.of(module.testClasses(), module.classes()));
        add("--module-path", join(required.stream()));
        add(
                "--class-path",
                join(Stream.concat(classes, libraries.stream().filter(library -> !required.contains(library)))));
        add("--add-modules", "ALL-MODULE-PATH");
        add("--enable-native-access", targets(path.names()));
    }

    private void patch(CompiledModule module, ModuleReference reference) {
        String name = reference.descriptor().name();
        Set<String> packages = reference.descriptor().packages();
        Set<String> tests = module.testPackages();
        if (!tests.isEmpty()) {
            String others = targets(path.names().filter(other -> !path.requires(name, other)));
            add("--patch-module", name + "=" + module.testClasses());
            add("--add-reads", name + "=" + others);
            tests.forEach(each -> add("--add-opens", name + "/" + each + "=" + others));
        }
        Stream.concat(packages.stream(), tests.stream()).distinct().forEach(each -> {
            Stream<String> others = ours().filter(other -> !packages.contains(each) || !path.requires(other, name));
            add("--add-exports", name + "/" + each + "=" + targets(others));
        });
        module.property("test.options").ifPresent(options -> arguments.addAll(List.of(options.split(" ", -1))));
    }

    private void add(String option, String value) {
        arguments.add(option);
        arguments.add(value);
    }

    private Stream<String> ours() {
        return modules.stream()
                .flatMap(module -> module.reference().stream())
                .map(reference -> reference.descriptor().name());
    }

    private static String targets(Stream<String> modules) {
        return Stream.concat(Stream.of(UNNAMED), modules).collect(Collectors.joining(","));
    }

    private static String join(Stream<Path> entries) {
        return entries.map(Path::toString).collect(Collectors.joining(File.pathSeparator));
    }
}
