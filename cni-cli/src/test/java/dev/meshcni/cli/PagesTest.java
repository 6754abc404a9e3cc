// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.meshcni.api.CniJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** Every block of a page is one of a kind that a test holds, and every page begins with what its reader wants to do. */
class PagesTest {
    /** The tests that compile and run the code of a page. */
    private static final Map<String, String> CODE = Map.of(
            "docs/cni-from-java.md", "cni-api/src/test/java/dev/meshcni/api/CniFromJavaTest.java",
            "docs/adapters/writing-one.md", "cni-api/src/test/java/dev/meshcni/api/WritingOneTest.java");

    /** Text that commands print, with what prints it, and drawings. */
    private static final Map<String, String> TEXT = Map.of(
            "docs/bench.md", "bench/src/main/java",
            "docs/ambient.md", "cni-cli/src/test/java/dev/meshcni/cli/AmbientCommandsTest.java",
            "docs/try.md", "it/src/test/java/dev/meshcni/it/DemoTest.java",
            "README.md", "it/src/test/java/dev/meshcni/it/DemoTest.java",
            "docs/life-of-an-add.md", "it/src/test/java/dev/meshcni/it/LifeOfAnAddTest.java");

    private static final Pattern ROW = Pattern.compile("(?m)^\\| ([A-Z][^|]*) \\| ([^\\n]*) \\|$");
    private static final Pattern FIGURE = Pattern.compile("\\d[\\d.]*(?= (?:ms|KiB|MiB|MB)\\b)");
    private static final Pattern LINK = Pattern.compile("\\]\\(([^)#]+\\.md)(?:#[^)]*)?\\)");

    @TempDir
    private Path directory;

    @TestFactory
    Stream<DynamicTest> everyBlockIsHeldByATest() {
        return Pages.all().stream()
                .flatMap(page -> Pages.blocks(page).stream())
                .map(block -> DynamicTest.dynamicTest(block.place() + " " + block.language(), () -> check(block)));
    }

    private void check(Pages.Block block) throws IOException {
        switch (block.language()) {
            case "sh" -> assertThat(PageCommand.of(block.page())).isNotEmpty();
            case "console" -> assertThat(block.text()).startsWith("$ meshcni ");
            case "yaml" -> yaml(block);
            case "json" -> json(block);
            case "java", "xml" ->
                assertThat(Files.readString(Pages.PROJECT.resolve(test(CODE, block))))
                        .contains(block.page());
            case "text" -> assertThat(Pages.PROJECT.resolve(test(TEXT, block))).exists();
            case "dockerfile" -> assertThat(block.text()).startsWith("FROM registry.example.com/mesh/");
            case "mermaid" -> assertThat(block.text()).startsWith("sequenceDiagram\n");
            default ->
                throw new AssertionError(
                        block.place() + ": no test knows blocks of the language '" + block.language() + "'");
        }
    }

    private static String test(Map<String, String> tests, Pages.Block block) {
        return Optional.ofNullable(tests.get(block.page()))
                .orElseThrow(() -> new AssertionError(block.place() + ": no test holds this " + block.language()));
    }

    /** Operator files and values become manifests; objects of Kubernetes have what every object has. */
    private void yaml(Pages.Block block) throws IOException {
        for (Object document : new Load(LoadSettings.builder().build()).loadAllFromString(block.text())) {
            Map<?, ?> object = (Map<?, ?>) document;
            if (object.containsKey("kind") && !object.get("kind").equals("IstioOperator")) {
                assertThat(object.keySet()).asString().contains("apiVersion", "metadata");
                assertThat(((Map<?, ?>) object.get("metadata")).get("name")).isNotNull();
                continue;
            }
            Path file = Files.writeString(directory.resolve("file.yaml"), block.text());
            Run run = Run.meshcni("manifest", "-f", file.toString());
            assertThat(run.exitCode()).as(run.err()).isZero();
        }
    }

    private static void json(Pages.Block block) {
        JsonNode node = CniJson.lenientObject(block.text());
        assertThat(node.path("cniVersion").asText() + node.path("version").asText())
                .isNotEmpty();
    }

    /**
     * The list of tasks in docs/README.md names each page; a page begins with the verb of a task for which it is named
     * there, or says what to do "to" do something, so that a reader sees at once whether it is the right one.
     */
    @TestFactory
    Stream<DynamicTest> everyPageBeginsWithATask() {
        Map<String, Set<String>> verbs = verbs();
        return Pages.ofUsers().stream()
                .filter(page -> !page.endsWith("README.md") || page.contains("/adapters/"))
                .map(page -> DynamicTest.dynamicTest(page, () -> {
                    assertThat(verbs)
                            .as("pages in docs/README.md and docs/adapters/README.md")
                            .containsKey(page);
                    String first = firstWord(page);
                    if (!first.equals("To")) {
                        assertThat(first).isIn(verbs.get(page));
                    }
                }));
    }

    /** The reasons on the first screen of the README have their figures from the pages that measure and compare. */
    @Test
    void theReasonsHaveFiguresThatWereMeasured() {
        String readme = Pages.read("README.md");
        String reasons = readme.substring(readme.indexOf("Five reasons"), readme.indexOf("**Maturity:**"));
        String measured = Pages.read("docs/bench.md") + Pages.read("docs/comparison.md");

        assertThat(reasons.lines().filter(line -> line.startsWith("* **"))).hasSize(5);
        assertThat(FIGURE.matcher(reasons.replace(",", "")).results().map(MatchResult::group))
                .hasSizeGreaterThan(5)
                .allSatisfy(figure ->
                        assertThat(measured).containsPattern("(?<![\\d.])" + Pattern.quote(figure) + "(?![\\d.]\\d)"));
    }

    @Test
    void theMapOfTheDocumentationBeginsWithTasks() {
        assertThat(Pages.read("docs/README.md").lines().filter(line -> line.startsWith("| ")))
                .hasSizeGreaterThan(20)
                .allMatch(
                        line -> line.startsWith("| Task |") || ROW.matcher(line).matches());
    }

    private static Map<String, Set<String>> verbs() {
        return ROW.matcher(Pages.read("docs/README.md"))
                .results()
                .flatMap(row -> LINK.matcher(row.group(2))
                        .results()
                        .map(link -> Map.entry(page(link), row.group(1).replaceFirst("[ ,].*", ""))))
                .collect(Collectors.groupingBy(
                        Map.Entry::getKey, Collectors.mapping(Map.Entry::getValue, Collectors.toSet())));
    }

    private static String page(MatchResult link) {
        return Path.of("docs").resolve(link.group(1)).normalize().toString();
    }

    /** The first word below the title, which has to be prose. */
    private static String firstWord(String page) {
        List<String> lines = Pages.read(page).lines().toList();
        assertThat(lines.getFirst()).startsWith("# ");
        assertThat(lines.get(1)).isEmpty();
        return lines.get(2).replaceFirst("[ ,:].*", "");
    }
}
