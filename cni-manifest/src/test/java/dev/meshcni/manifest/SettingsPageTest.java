// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.meshcni.manifest.IstioSettings.Setting;
import dev.meshcni.manifest.IstioSettings.Use;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** docs/settings.md lists what {@link IstioSettings} has, and says the same about it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SettingsPageTest {
    private static final String CNI = "values.cni.";
    private static final Pattern ROW = Pattern.compile("(?m)^\\| `([^`]+)` \\| *(\\S.*?) *\\|$");
    private static final Pattern WORD = Pattern.compile("`([^`]+)`");

    private String page;

    @BeforeAll
    void read() throws IOException {
        page = Files.readString(Path.of("..", "docs", "settings.md"));
    }

    @Test
    void settingsOfTheCni() {
        assertThat(rows("Settings of the CNI"))
                .containsExactlyInAnyOrderElementsOf(paths(setting -> isOneOf(setting, Use.READ, Use.OWN)
                                && setting.path().startsWith(CNI))
                        .map(path -> path.substring(CNI.length()))
                        .toList());
    }

    @Test
    void otherValues() {
        assertThat(rows("Other values"))
                .containsExactlyInAnyOrderElementsOf(paths(setting -> isOneOf(setting, Use.READ, Use.OWN)
                                && setting.path().startsWith("values.")
                                && !setting.path().startsWith(CNI))
                        .map(path -> path.substring("values.".length()))
                        .toList());
    }

    @Test
    void fieldsOfTheSpec() {
        assertThat(rows("Fields of the spec"))
                .containsExactlyInAnyOrderElementsOf(paths(setting -> isOneOf(setting, Use.READ, Use.OWN)
                                && !setting.path().startsWith("values."))
                        .toList());
    }

    @Test
    void settingsWithoutEffect() {
        assertThat(rows("Accepted without effect"))
                .containsExactlyInAnyOrderElementsOf(
                        paths(setting -> isOneOf(setting, Use.IGNORED)).toList());
    }

    @Test
    void settingsOfOtherComponents() {
        assertThat(WORD.matcher(section("Settings of other components"))
                        .results()
                        .map(word -> word.group(1)))
                .containsExactlyInAnyOrderElementsOf(
                        paths(setting -> isOneOf(setting, Use.OTHER)).toList());
    }

    @Test
    void ourOwnSettingsAreCalledSo() {
        Set<String> own = paths(setting -> isOneOf(setting, Use.OWN))
                .map(path -> path.substring(CNI.length()))
                .collect(Collectors.toSet());

        assertThat(own)
                .allSatisfy(key -> assertThat(section("Settings of the CNI").lines())
                        .anyMatch(line -> !line.startsWith("|") && line.contains("`" + key + "`")));
    }

    /** Editors show it where values are written; the page says the same. */
    @Test
    void theSchemaOfTheChartDescribesEach() throws IOException {
        JsonNode schema = new ObjectMapper()
                .readTree(Path.of("..", "deploy", "helm", "istio-cni", "values.schema.json")
                        .toFile());
        Map<String, String> texts = new HashMap<>();
        texts("Settings of the CNI").forEach((key, text) -> texts.put("cni." + key, text));
        texts.putAll(texts("Other values"));
        texts("Accepted without effect").forEach((key, text) -> {
            if (key.startsWith("values.")) {
                texts.put(key.substring("values.".length()), "no effect: " + text);
            }
        });
        // Of another chart, whose values are taken as they are; and one definition for two places.
        texts.keySet().removeAll(Set.of("istio_cni.enabled", "pilot.cni.enabled", "global.platform"));

        assertThat(texts).hasSizeGreaterThan(60);
        texts.forEach((key, text) -> assertThat(described(schema, key)).as(key).isEqualTo(text));
    }

    /** The description of a setting, which is below {@code cni} or at the top level. */
    private static String described(JsonNode schema, String key) {
        JsonNode node = schema;
        for (String name : key.split("\\.", -1)) {
            node = node.path("properties").path(name);
            while (node.has("$ref")) {
                node = schema.at(node.path("$ref").asText().substring(1));
            }
        }
        return node.path("description").asText();
    }

    private Map<String, String> texts(String section) {
        return ROW.matcher(section(section))
                .results()
                .collect(Collectors.toMap(
                        row -> row.group(1),
                        row -> row.group(2)
                                .replaceAll("\\[([^\\]]*)]\\([^)]*\\)", "$1")
                                .replace("`", "")));
    }

    private List<String> rows(String section) {
        return ROW.matcher(section(section)).results().map(row -> row.group(1)).toList();
    }

    private String section(String title) {
        String from = page.substring(page.indexOf("\n## " + title + "\n") + 4);
        int end = from.indexOf("\n## ");
        return end < 0 ? from : from.substring(0, end);
    }

    private static Stream<String> paths(Predicate<Setting> which) {
        return IstioSettings.all().values().stream().filter(which).map(Setting::path);
    }

    private static boolean isOneOf(Setting setting, Use... uses) {
        return List.of(uses).contains(setting.use());
    }
}
