// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tests with a tag run only where the module's POM turns their lane on. */
class LanesTest {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    private static final Pattern PROPERTY = Pattern.compile("<([a-z.]+)>");

    @ParameterizedTest
    @CsvSource({"@NeedsRoot, lane.root.skip", "@Slow, lane.slow.skip"})
    void aModuleHasTheLanesOfItsTests(String annotation, String property) throws IOException {
        String on = "<" + property + ">false<";

        assertThat(modules())
                .hasSizeGreaterThan(20)
                .allSatisfy(module -> assertThat(read(module.resolve("pom.xml")).contains(on))
                        .as("%s in the POM of %s", on, module.getFileName())
                        .isEqualTo(tests(module).stream().anyMatch(test -> has(test, annotation))));
    }

    @Test
    void onlyTheAnnotationAsksForRoot() throws IOException {
        for (Path module : modules()) {
            assertThat(tests(module))
                    .allSatisfy(
                            test -> assertThat(read(test)).doesNotContainPattern("getProperty\\(\"user\\.name\"\\)"));
        }
    }

    @Test
    void aClassWithTestsIsNamedSoThatAllLanesFindIt() throws IOException {
        for (Path module : modules()) {
            assertThat(tests(module))
                    .filteredOn(test -> has(test, "@(Test|ParameterizedTest|TestFactory|Property)")
                            && !read(test).contains("abstract class"))
                    .allSatisfy(test -> assertThat(test.toString()).endsWith("Test.java"));
        }
    }

    @Test
    void theQuickRunHasThePropertiesAndTagsOfSurefire() {
        String pom = read(ROOT.resolve("pom.xml"));
        String surefire = between(pom, "<artifactId>maven-surefire-plugin</artifactId>", "</plugin>");
        String dev = read(ROOT.resolve("dev"));

        assertThat(dev).contains(" " + between(surefire, "<excludedGroups>", "</excludedGroups>") + " ");
        assertThat(PROPERTY.matcher(between(surefire, "<systemPropertyVariables>", "</systemPropertyVariables>"))
                        .results()
                        .map(property -> " -D" + property.group(1) + "="))
                .isNotEmpty()
                .allSatisfy(option -> assertThat(dev).contains(option));
    }

    /** All modules' tests run in one directory then. */
    @Test
    void filesOfAModuleAreFoundFromTheDirectoryOfAnother() throws IOException {
        for (Path module : modules()) {
            assertThat(tests(module))
                    .allSatisfy(
                            test -> assertThat(read(test)).doesNotContainPattern("Path\\.of\\(\"(src|target)[/\"]"));
        }
    }

    private static String between(String text, String start, String end) {
        int from = text.indexOf(start) + start.length();
        return text.substring(from, text.indexOf(end, from));
    }

    private static boolean has(Path test, String annotation) {
        return read(test).lines().anyMatch(line -> line.strip().matches(annotation + "(\\(.*)?"));
    }

    private static List<Path> modules() throws IOException {
        try (Stream<Path> directories = Files.list(ROOT)) {
            return directories
                    .filter(directory -> Files.exists(directory.resolve("pom.xml")))
                    .toList();
        }
    }

    private static List<Path> tests(Path module) {
        Path sources = module.resolve("src/test/java");
        if (!Files.exists(sources)) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(sources)) {
            return files.filter(file -> file.toString().endsWith(".java")).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
