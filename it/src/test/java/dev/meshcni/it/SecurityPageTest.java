// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What docs/security.md says is held by tests that exist under the names that it gives. */
class SecurityPageTest {
    private static final Path ROOT = Path.of("..");
    private static final Pattern NAMED = Pattern.compile("`(?<type>\\w+Test)(?:\\.(?<method>\\w+))?`");

    @Test
    void eachTestThatThePageNamesIsThere() throws IOException {
        Map<String, String> tests = tests();
        String page = Files.readString(ROOT.resolve("docs/security.md"));

        assertThat(NAMED.matcher(page).results()).hasSizeGreaterThan(40).allSatisfy(named -> {
            assertThat(tests).containsKey(named.group("type"));
            assertThat(tests.get(named.group("type"))).contains(method(named));
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"docs/ambient.md", "docs/alerts.md", "docs/cluster-tests.md"})
    void eachTestThatAnotherPageNamesIsThere(String page) throws IOException {
        assertThat(NAMED.matcher(Files.readString(ROOT.resolve(page))).results())
                .isNotEmpty()
                .allSatisfy(named -> assertThat(tests()).containsKey(named.group("type")));
    }

    @Test
    void eachRowAboutABoundaryNamesATest() throws IOException {
        String page = Files.readString(ROOT.resolve("docs/security.md"));
        String boundaries = page.substring(page.indexOf("## Trust boundaries"), page.indexOf("## The daemon's memory"));

        assertThat(boundaries.lines().filter(SecurityPageTest::isStatement))
                .hasSizeGreaterThan(25)
                .allSatisfy(row -> assertThat(row).containsPattern(NAMED));
    }

    /** A row of a table, but neither its heading nor the line below that. */
    private static boolean isStatement(String line) {
        return line.startsWith("| ") && !line.endsWith(" | |");
    }

    private static String method(MatchResult named) {
        return named.group("method") == null ? "@" : " " + named.group("method") + "(";
    }

    private static Map<String, String> tests() throws IOException {
        try (Stream<Path> all = Files.walk(ROOT)) {
            return all.filter(file -> file.toString().endsWith("Test.java"))
                    .filter(file -> file.toString().contains("/src/test/java/"))
                    .collect(Collectors.toMap(
                            file -> file.getFileName().toString().replace(".java", ""), SecurityPageTest::read));
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
