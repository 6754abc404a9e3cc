// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core.spi;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.WildcardType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Each type that others compile against says what it promises, and promises no more than the types that it shows. */
class ApiStatusTest {
    private static final String OURS = "dev.meshcni.";
    private static final Pattern STATUS =
            Pattern.compile(" \\* <p>API status: (?<status>[A-Z]+) \\(docs/versioning\\.md\\)\\.\n");
    private static final Pattern SINCE = Pattern.compile("\n \\* @since \\d+\\.\\d+\\.\\d+\n");
    private static final Pattern PUBLIC_TYPE = Pattern.compile(
            "^public (?:\\w+(?:-\\w+)? )*(?:class|interface|record|enum|@interface) (?<name>\\w+)", Pattern.MULTILINE);

    /** From the weakest to the strongest. */
    private enum Status {
        INTERNAL,
        EXPERIMENTAL,
        STABLE
    }

    private final Map<String, Path> sources = sources();

    @Test
    void eachTypeStatesIt() throws IOException {
        Set<String> types = promised();

        assertThat(types)
                .contains("dev.meshcni.api.spi.ChainAdapter", "dev.meshcni.core.spi.PodSource")
                .contains("dev.meshcni.redirect.RedirectPlan", "dev.meshcni.rules.Match");
        assertThat(types)
                .allSatisfy(type ->
                        assertThat(javadoc(type)).containsPattern(STATUS).containsPattern(SINCE));
    }

    @Test
    void noneShowsATypeThatPromisesLess() throws IOException {
        for (String type : promised()) {
            for (String shown : shown(load(type))) {
                assertThat(status(shown)).as("%s, which %s shows", shown, type).isGreaterThanOrEqualTo(status(type));
            }
        }
    }

    /** The types of the packages for others, and those that their signatures name, and so on. */
    private Set<String> promised() {
        Set<String> promised = new TreeSet<>();
        Deque<String> open = new ArrayDeque<>(sources.keySet().stream()
                .filter(name -> name.matches("dev\\.meshcni\\.(api|core\\.spi)\\..*"))
                .toList());
        while (!open.isEmpty()) {
            String name = open.pop();
            if (promised.add(name)) {
                open.addAll(shown(load(name)));
            }
        }
        return promised;
    }

    private static Set<String> shown(Class<?> type) {
        Set<String> names = new TreeSet<>();
        collect(type, names);
        names.remove(type.getName());
        return names;
    }

    private static void collect(Class<?> type, Set<String> names) {
        if (type.getGenericSuperclass() != null) {
            name(type.getGenericSuperclass(), names);
        }
        Arrays.stream(type.getGenericInterfaces()).forEach(parent -> name(parent, names));
        for (Field field : type.getDeclaredFields()) {
            if (isVisible(field.getModifiers())) {
                name(field.getGenericType(), names);
            }
        }
        Stream.concat(Arrays.stream(type.getDeclaredConstructors()), Arrays.stream(type.getDeclaredMethods()))
                .filter(member -> isVisible(member.getModifiers()) && !member.isSynthetic())
                .forEach(member -> collect(member, names));
        Arrays.stream(type.getDeclaredClasses())
                .filter(nested -> isVisible(nested.getModifiers()))
                .forEach(nested -> collect(nested, names));
    }

    private static void collect(Executable member, Set<String> names) {
        name(member.getAnnotatedReturnType().getType(), names);
        Arrays.stream(member.getGenericParameterTypes()).forEach(type -> name(type, names));
        Arrays.stream(member.getGenericExceptionTypes()).forEach(type -> name(type, names));
    }

    private static void name(Type type, Set<String> names) {
        switch (type) {
            case Class<?> plain when plain.isArray() -> name(plain.getComponentType(), names);
            case Class<?> plain -> {
                Class<?> outermost = plain;
                while (outermost.getEnclosingClass() != null) {
                    outermost = outermost.getEnclosingClass();
                }
                if (outermost.getName().startsWith(OURS)) {
                    names.add(outermost.getName());
                }
            }
            case ParameterizedType generic -> {
                name(generic.getRawType(), names);
                Arrays.stream(generic.getActualTypeArguments()).forEach(argument -> name(argument, names));
            }
            case WildcardType wildcard ->
                Stream.concat(Arrays.stream(wildcard.getLowerBounds()), Arrays.stream(wildcard.getUpperBounds()))
                        .forEach(bound -> name(bound, names));
            case GenericArrayType array -> name(array.getGenericComponentType(), names);
            default -> {
                // A type variable, whose bounds stand where it is declared.
            }
        }
    }

    private static boolean isVisible(int modifiers) {
        return Modifier.isPublic(modifiers) || Modifier.isProtected(modifiers);
    }

    private static Class<?> load(String name) {
        try {
            return Class.forName(name, false, PodSource.class.getClassLoader());
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException(name, e);
        }
    }

    private Status status(String type) throws IOException {
        Matcher matcher = STATUS.matcher(javadoc(type));
        assertThat(matcher.find()).as(type).isTrue();
        return Status.valueOf(matcher.group("status"));
    }

    /** The comment before a type. */
    private String javadoc(String type) {
        try {
            String source = Files.readString(sources.get(type));
            Matcher declaration = PUBLIC_TYPE.matcher(source);
            assertThat(declaration.find()).as(type).isTrue();
            String before = source.substring(0, declaration.start());
            return before.substring(Math.max(0, before.lastIndexOf("/**")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Each public type of the modules that stand in one tree with this one, and its file. */
    private static Map<String, Path> sources() {
        Map<String, Path> sources = new TreeMap<>();
        for (String module : new String[] {"cni-api", "cni-rules", "cni-redirect", "cni-core"}) {
            Path root = Path.of("..", module, "src/main/java");
            try (Stream<Path> files = Files.walk(root)) {
                for (Path file :
                        files.filter(path -> path.toString().endsWith(".java")).toList()) {
                    if (PUBLIC_TYPE.matcher(Files.readString(file)).find()) {
                        String name = root.relativize(file).toString().replace('/', '.');
                        sources.put(name.replaceFirst("\\.java$", ""), file);
                    }
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return sources;
    }
}
