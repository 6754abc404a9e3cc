// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit;

import static java.util.stream.Collectors.collectingAndThen;
import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Member;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collector;
import java.util.stream.Stream;

/** The public and protected signatures of packages, one a line, as a file in the sources records them. */
public final class PublicApi {
    private final String module;
    private final ClassLoader loader;
    private final List<String> packages;

    private PublicApi(String module, ClassLoader loader, List<String> packages) {
        this.module = module;
        this.loader = loader;
        this.packages = packages;
    }

    /**
     * Packages of a module.
     *
     * @param module its directory, beside the current one
     */
    public static PublicApi of(String module, ClassLoader loader, String... packages) {
        return new PublicApi(module, loader, List.of(packages));
    }

    /**
     * Fails unless a file of the module holds just these signatures; with the system property {@code api.record} it is
     * written instead.
     */
    public void isRecordedIn(String name) throws IOException {
        Path file = directory().resolve(name);
        Set<String> now = signatures();
        if (System.getProperty("api.record") != null) {
            Files.write(file, now);
        }
        assertThat(now)
                .as(
                        "The public API is not the one that %s records. If the change is meant, read docs/versioning.md"
                                + ", name it in CHANGELOG.md, and record it:"
                                + " ./dev test -pl %s -am -Dtest='Public*Test' -Dapi.record",
                        file.normalize(), module)
                .containsExactlyElementsOf(Files.readAllLines(file));
    }

    /** The public types, nested ones included. */
    public List<Class<?>> types() throws IOException {
        List<Class<?>> types = new ArrayList<>();
        for (String name : packages) {
            Path directory = directory().resolve("target/classes").resolve(name.replace('.', '/'));
            try (Stream<Path> files = Files.list(directory)) {
                for (Path file : files.filter(PublicApi::isClass).sorted().toList()) {
                    Class<?> type =
                            load(name + "." + file.getFileName().toString().replaceFirst("\\.class$", ""));
                    if (isPublic(type)) {
                        types.add(type);
                    }
                }
            }
        }
        return types;
    }

    private SortedSet<String> signatures() throws IOException {
        SortedSet<String> signatures = new TreeSet<>();
        for (Class<?> type : types()) {
            signatures.add(type.toGenericString() + supertypes(type) + permitted(type));
            add(signatures, type.getDeclaredFields(), Field::toGenericString);
            add(signatures, type.getDeclaredConstructors(), Constructor::toGenericString);
            add(signatures, type.getDeclaredMethods(), Method::toGenericString);
        }
        return signatures;
    }

    private static <T extends Member> void add(Set<String> signatures, T[] members, Function<T, String> text) {
        Arrays.stream(members)
                .filter(member -> isVisible(member.getModifiers()) && !member.isSynthetic())
                .map(text)
                .forEach(signatures::add);
    }

    private static String supertypes(Class<?> type) {
        return Stream.concat(Stream.ofNullable(type.getGenericSuperclass()), Arrays.stream(type.getGenericInterfaces()))
                .map(Type::getTypeName)
                .filter(name -> !name.equals("java.lang.Object"))
                .collect(list(" : "));
    }

    private static String permitted(Class<?> type) {
        return type.isSealed()
                ? Arrays.stream(type.getPermittedSubclasses())
                        .map(Class::getName)
                        .collect(list(" permits "))
                : "";
    }

    private static Collector<CharSequence, ?, String> list(String before) {
        return collectingAndThen(joining(", "), names -> names.isEmpty() ? "" : before + names);
    }

    private static boolean isPublic(Class<?> type) {
        for (Class<?> outer = type; outer != null; outer = outer.getEnclosingClass()) {
            if (!isVisible(outer.getModifiers()) || outer.isAnonymousClass() || outer.isLocalClass()) {
                return false;
            }
        }
        return !type.isSynthetic();
    }

    private static boolean isVisible(int modifiers) {
        return Modifier.isPublic(modifiers) || Modifier.isProtected(modifiers);
    }

    private static boolean isClass(Path file) {
        String name = file.getFileName().toString();
        return name.endsWith(".class") && !name.endsWith("-info.class");
    }

    private Class<?> load(String name) {
        try {
            return Class.forName(name, false, loader);
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException(name, e);
        }
    }

    private Path directory() {
        return Path.of("..", module);
    }
}
