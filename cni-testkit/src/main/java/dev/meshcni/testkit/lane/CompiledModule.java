// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit.lane;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A module of the build, as Maven has compiled it.
 *
 * @param directory where it is
 * @param reference its JPMS module, if it is one
 * @param testClassPath what Maven gives to its tests, beside its own classes
 */
record CompiledModule(Path directory, Optional<ModuleReference> reference, List<Path> testClassPath) {
    /** The file in which Maven leaves the class path of the tests. */
    static final String CLASS_PATH = "target/test.classpath";

    private static final String TESTS = "src/test/java";
    private static final String SOURCE = ".java";

    /**
     * The modules of a project, by name.
     *
     * @throws IllegalStateException if Maven has not compiled one that has tests
     */
    static List<CompiledModule> of(Path project) {
        try (Stream<Path> directories = Files.list(project)) {
            return directories
                    .filter(directory -> Files.exists(directory.resolve("pom.xml")))
                    .filter(directory -> Files.exists(directory.resolve(CLASS_PATH)) || hasTests(directory))
                    .sorted()
                    .map(CompiledModule::read)
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean hasTests(Path directory) {
        return !names(directory.resolve(TESTS), SOURCE).isEmpty();
    }

    private static CompiledModule read(Path directory) {
        try {
            String path = Files.readString(directory.resolve(CLASS_PATH)).strip();
            return new CompiledModule(
                    directory,
                    ModuleFinder.of(directory.resolve("target/classes")).findAll().stream()
                            .findFirst(),
                    Stream.of(path.split(File.pathSeparator, -1))
                            .filter(entry -> !entry.isEmpty())
                            .map(Path::of)
                            .toList());
        } catch (IOException e) {
            throw new IllegalStateException(
                    directory + " has tests, but is not compiled: is it a module of pom.xml?", e);
        }
    }

    String name() {
        return directory.getFileName().toString();
    }

    /** Where Maven puts its classes, those of its tests, and its JARs. */
    Path target() {
        return directory.resolve("target");
    }

    Path classes() {
        return target().resolve("classes");
    }

    Path testClasses() {
        return target().resolve("test-classes");
    }

    /** The names of its test classes, by their sources, which end as in the other lanes. */
    List<String> tests() {
        return names(directory.resolve(TESTS), SOURCE).stream()
                .filter(name -> name.endsWith("Test"))
                .toList();
    }

    /** The packages of its tests, and of what else is compiled with them. */
    SortedSet<String> testPackages() {
        SortedSet<String> packages = new TreeSet<>();
        for (String type : names(testClasses(), ".class")) {
            packages.add(type.substring(0, type.lastIndexOf('.')));
        }
        return packages;
    }

    /** The value of a property of its POM. */
    Optional<String> property(String name) {
        try {
            Matcher value = Pattern.compile("<" + Pattern.quote(name) + ">([^<]*)<")
                    .matcher(Files.readString(directory.resolve("pom.xml")));
            return value.find() ? Optional.of(value.group(1)) : Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The names of the types in a directory whose files end like this. */
    private static List<String> names(Path directory, String suffix) {
        if (!Files.exists(directory)) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(directory)) {
            return files.map(file -> directory.relativize(file).toString())
                    .filter(file -> file.endsWith(suffix))
                    .map(file ->
                            file.substring(0, file.length() - suffix.length()).replace('/', '.'))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
