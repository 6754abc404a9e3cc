// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.config;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class YamlFileTest {
    /** Words of the parser's own reports. */
    private static final Pattern FOREIGN =
            Pattern.compile("while (scanning|parsing)|token|<block|<stream|simple key|found |snakeyaml|Exception");

    @ParameterizedTest
    @CsvSource({
        "yes, true",
        "On, true",
        "y, true",
        "TRUE, true",
        "no, false",
        "OFF, false",
        "n, false",
        "oFF, 'oFF'",
        "0755, 493",
        "0o17, 15",
        "0x1F, 31",
        "0b11, 3",
        "1_000, 1000",
        "+5, 5",
        "-0, 0",
        "0899, 899",
        "1e3, 1000",
        "'.5', 0.5",
        "1.10, 1.1",
        "1000000, 1000000",
        "123456789012345678901, 123456789012345678901",
        "2001-01-01, 2001-01-01",
        "1:30, 1:30",
        "'=', ="
    })
    void scalarsAreWhatHelmTakesThemFor(String text, String expected) {
        assertThat(((Yaml.Scalar) value("a: " + text)).text()).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"'yes'", "\"1\"", "!!str 1", "!!str yes", "|-\n  on"})
    void quotesAndTagsMakeText(String text) {
        assertThat(value("a: " + text).plain()).isInstanceOf(String.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"a:", "a: ~", "a: null", "a: NULL"})
    void noValueIsNotTheEmptyText(String text) {
        assertThat(value(text).isNull()).isTrue();
        assertThat(value(text).json()).isNull();
        assertThat(value("a: ''").isNull()).isFalse();
    }

    @Test
    void mergeKeysGiveWhatAMappingHasNot() {
        assertThat(plain("""
            x: &x {b: 1, c: 1}
            y: &y {c: 2, d: 2}
            a:
              b: 0
              <<: [*x, *y]
            z: {<<: *y, e: 3}
            """))
                .containsEntry("a", Map.of("b", 0, "c", 1, "d", 2))
                .containsEntry("z", Map.of("c", 2, "d", 2, "e", 3));
    }

    @Test
    void aMergedKeyIsWhereItIsWritten() {
        Yaml.Mapping a = (Yaml.Mapping)
                document("x: &x\n  b: 1\na: {<<: *x}").entries().get("a").value();

        assertThat(a.entries().get("b").at()).hasToString("f:2:3");
    }

    @Test
    void manyAliasesAreReadAndEndlessOnesAreNot() {
        String many = "x: &x {a: 1}\nl: [" + "*x, ".repeat(500) + "*x]";
        StringBuilder laughs = new StringBuilder("a0: &a0 [1]\n");
        for (int i = 1; i < 30; i++) {
            laughs.append("a%d: &a%d [*a%d, *a%d, *a%d]%n".formatted(i, i, i - 1, i - 1, i - 1));
        }

        assertThat((List<?>) plain(many).get("l")).hasSize(501);
        assertThatThrownBy(() -> document(laughs.toString()))
                .hasMessageContaining("aliases stand for more than 100000 values");
        assertThatThrownBy(() -> document("a: &x [*x]")).hasMessage("f:1:4: is nested deeper than 64 levels");
    }

    @Test
    void aLongFileWithoutAliasesIsRead() {
        assertThat((List<?>) plain("a: [" + "1,".repeat(200_000) + "1]").get("a"))
                .hasSize(200_001);
    }

    @Test
    void jsonMayBeIndentedByTabs() {
        assertThat(plain("\uFEFF{\n\t\"a\": [\n\t\t1,\t2\n\t],\n\t\"b\": \"x\\ty\"\n}"))
                .containsEntry("a", List.of(1, 2))
                .containsEntry("b", "x\ty");
    }

    @Test
    void aTextThatIsOneValueMayBeAList() {
        assertThat(YamlFile.value("f", "- a: 1\n- b\n").map(Yaml::plain)).contains(List.of(Map.of("a", 1), "b"));
        assertThat(YamlFile.value("f", "[\n\t{\"a\": 1}\n]").map(Yaml::plain)).contains(List.of(Map.of("a", 1)));
        assertThat(YamlFile.value("f", "# nothing\n")).isEmpty();
        assertThatThrownBy(() -> YamlFile.value("f", "[1]\n---\n[2]"))
                .hasMessage("f:3:1: is a second document where one is possible");
        assertThatThrownBy(() -> YamlFile.documents("f", "[1]")).hasMessage("f:1:1: must be a mapping");
    }

    @Test
    void documentsMayEachHaveAByteOrderMark() {
        byte[] text = "\uFEFFa: 1\n---\n\uFEFFb: 2\n---\n---\n# nothing\n".getBytes(UTF_8);

        assertThat(YamlFile.documents("f", text).stream().map(Yaml::plain))
                .containsExactly(Map.of("a", 1), Map.of("b", 2));
    }

    @Test
    void otherEncodingsAreNamed() {
        assertThatThrownBy(() -> YamlFile.documents("f", "a: 1".getBytes(UTF_16)))
                .hasMessage("f:1:1: the byte order mark is that of UTF-16; save the file as UTF-8");
        assertThatThrownBy(() -> YamlFile.documents("f", "\uFEFFa: 1".getBytes(UTF_16LE)))
                .hasMessageContaining("UTF-16");
        assertThatThrownBy(() -> YamlFile.documents("f", "a: 1".getBytes(UTF_16LE)))
                .hasMessageContaining("UTF-16 without a byte order mark");
        assertThatThrownBy(() -> YamlFile.documents("f", "a: 1\nb: \u00fc".getBytes(ISO_8859_1)))
                .hasMessage("f:2:4: the text is not UTF-8; save the file as UTF-8");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', textBlock = """
        a:\\n\\tb: 1          | f:2:1: invalid YAML: a tab stands where YAML takes spaces only
        a: b: c              | f:1:5: invalid YAML: the key before this colon is not expected here
        a: 1\\n b: 2          | f:2:3: invalid YAML: the key before this colon is not expected here
        a: 'x                | f:1:6: invalid YAML: the quotes that begin before are not closed
        a: "x\\ny: 1          | f:2:5: invalid YAML: the quotes that begin before are not closed
        a: "\\q"              | f:1:6: invalid YAML: the escape sequence is unknown
        a: [1, 2             | f:1:9: invalid YAML: the list that begins with [
        a: {b                | f:1:6: invalid YAML: the mapping that begins with {
        a: ]                 | f:1:4: invalid YAML: the bracket ] closes nothing
        a: 1\\n}              | f:2:1: invalid YAML: the bracket } closes nothing
        a: *nope             | f:1:4: invalid YAML: the alias refers to no anchor
        a: &                 | f:1:5: invalid YAML: a name has to follow
        a: %x                | f:1:4: invalid YAML: the text begins with a character that YAML reserves
        a: @x                | f:1:4: invalid YAML: the text begins with a character that YAML reserves
        a: >x\\n b            | f:1:5: invalid YAML: only + or -
        - a\\nb: c            | f:2:1: invalid YAML: the line is indented like the list before it
        a: {{ .Values.x }}   | f:1:5: a key must be a text; a template
        a: 1\\na: 2           | f:2:1: the key a is duplicated
        a: {<<: 1}           | f:1:9: << takes a mapping
        - a                  | f:1:1: must be a mapping
        %YAML 3.0\\n---\\na: 1 | f:1:1: invalid YAML: the version in %YAML is not known
        a: \\u0001            | f:1:4: invalid YAML: the character U+0001 is not allowed
        """)
    void whatIsWrongIsSaidInOurWordsWithItsPlace(String text, String message) {
        Throwable failure = catchThrowable(() -> YamlFile.documents("f", written(text)));

        assertThat(failure).isInstanceOf(ManifestException.class).hasMessageStartingWith(message);
        assertThat(failure.getMessage()).doesNotContainPattern(FOREIGN);
    }

    private static String written(String text) {
        return text.strip().replace("\\n", "\n").replace("\\t", "\t").replace("\\u0001", "\u0001");
    }

    private static Yaml value(String text) {
        return document(text).entries().get("a").value();
    }

    private static Map<String, Object> plain(String text) {
        Map<String, Object> plain = new LinkedHashMap<>();
        document(text)
                .entries()
                .forEach((key, entry) -> plain.put(key, entry.value().plain()));
        return plain;
    }

    private static Yaml.Mapping document(String text) {
        return YamlFile.documents("f", text).getFirst();
    }
}
