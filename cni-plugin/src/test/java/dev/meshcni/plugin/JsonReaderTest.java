// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.CniException;
import dev.meshcni.api.CniJson;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is JSON to the library that the agent reads with is JSON here, and says the same. */
class JsonReaderTest {
    private static final String[] PIECES = {
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "/",
        " ",
        "\n",
        "\t",
        "true",
        "false",
        "null",
        "0",
        "-",
        "1.5",
        "e",
        "E+",
        "\"a\"",
        "\"b\"",
        "\"\\u0061\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud800\"",
        "\"\u00e4\u20ac\ud83d\ude00\"",
        "\"\\n\\/\"",
        "\u0000",
        "\u0001",
        "\u007f",
        "\ufeff",
        "'",
        "#",
        "NaN",
        "01",
        "-0",
        "1e400",
        ".5",
        "+1",
        "1.",
        "x",
        "{}",
        "[]"
    };

    @Property(tries = 40_000, shrinking = ShrinkingMode.OFF)
    void itTakesWhatTheLibraryTakesAndUnderstandsTheSame(@ForAll long seed) {
        byte[] json = spoilt(new Random(seed));

        Optional<ObjectNode> expected = library(json);
        Optional<JsonSpan> read = read(json);

        assertThat(read.isPresent()).as(new String(json, UTF_8)).isEqualTo(expected.isPresent());
        expected.ifPresent(object -> assertSame(read.orElseThrow(), object));
    }

    @Example
    void namesAreTheSameHoweverTheyAreWritten() {
        assertThat(read("{\"\u00e4\": 1, \"\\u00e4\": 2}".getBytes(UTF_8))).isEmpty();
        assertThat(read("{\"\ud83d\ude00\": 1, \"\\ud83d\\uDE00\": 2}".getBytes(UTF_8)))
                .isEmpty();
        assertThat(read("{\"\\ud83d\": 1, \"\\ud83d\\ud83d\": 2}".getBytes(UTF_8)))
                .isPresent();
    }

    @Example
    void manyNamesOfAnObjectAreToldApart() {
        StringBuilder json = new StringBuilder("{");
        for (int i = 0; i < 100_000; i++) {
            json.append('"').append(Integer.toString(i, 36)).append("\":0,");
        }
        assertThat(read((json + "\"#end\":0}").getBytes(UTF_8))).isPresent();
        assertThat(read((json + "\"2s\":0}").getBytes(UTF_8))).isEmpty();
    }

    @Example
    void theBoundsAreThoseOfTheLibrary() {
        for (int depth = 98; depth < 103; depth++) {
            assertSameVerdict("{\"a\":" + "[".repeat(depth) + "]".repeat(depth) + "}");
        }
        for (int length = 4094; length < 4099; length++) {
            assertSameVerdict("{\"" + "n".repeat(length) + "\":1}");
            assertSameVerdict("{\"" + "\u20ac".repeat(length) + "\":1}");
        }
        for (String exponent : List.of(
                "2147483647",
                "2147483648",
                "-2147483647",
                "-2147483648",
                "+0000000000001",
                "99999999999999",
                "-99999999999")) {
            assertSameVerdict("{\"a\":1e" + exponent + "}");
            assertSameVerdict("{\"a\":0.25e" + exponent + "}");
        }
        for (int length = 98; length < 103; length++) {
            assertSameVerdict("{\"a\":" + "1".repeat(length) + "}");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"a\":1,}      | line 1, column 8: expected a name in quotation marks",
                "{\"a\" 1}       | line 1, column 6: expected ':'",
                "{\"\u00e4\":tru}     | line 1, column 9: expected a value",
                "{\"a\":1,\"a\":2}| line 1, column 8: the name \"a\" is duplicated",
                "{\"a\":         | line 1, column 6: it ends in the middle",
                "{} x           | line 1, column 4: expected end of input",
                "[]             | expected an object, got a list"
            })
    void whatIsWrongIsSaidWithItsPlace(String json, String why) {
        assertThatThrownBy(() -> JsonReader.object(json.getBytes(UTF_8)))
                .isInstanceOfSatisfying(
                        CniException.class, e -> assertThat(e.code()).isEqualTo(6))
                .hasMessage("cannot decode JSON: " + why);
    }

    private static void assertSameVerdict(String json) {
        assertThat(read(json.getBytes(UTF_8)).isPresent())
                .as("%.60s, length %d", json, json.length())
                .isEqualTo(library(json.getBytes(UTF_8)).isPresent());
    }

    private static void assertSame(JsonSpan read, JsonNode expected) {
        switch (read.kind()) {
            case OBJECT -> {
                assertThat(read.members()).hasSize(expected.size());
                read.members().forEach((name, value) -> assertSame(value, expected.get(name)));
            }
            case LIST -> {
                assertThat(read.elements()).hasSize(expected.size());
                for (int i = 0; i < expected.size(); i++) {
                    assertSame(read.elements().get(i), expected.get(i));
                }
            }
            case STRING -> assertThat(read.text()).isEqualTo(expected.textValue());
            case NUMBER -> assertThat(expected.isNumber()).isTrue();
            case BOOLEAN -> assertThat(expected.isBoolean()).isTrue();
            case NULL -> assertThat(expected.isNull()).isTrue();
        }
    }

    /** An object with changes at random places, or none. */
    private static byte[] spoilt(Random random) {
        StringBuilder json = new StringBuilder();
        value(json.append("{\"r\":"), random, 4);
        json.append("}");
        for (int change = random.nextInt(3); change > 0; change--) {
            int at = random.nextInt(json.length());
            String piece = PIECES[random.nextInt(PIECES.length)];
            switch (random.nextInt(3)) {
                case 0 -> json.insert(at, piece);
                case 1 -> json.deleteCharAt(at);
                default -> json.replace(at, at + 1, piece);
            }
        }
        byte[] bytes = json.toString().getBytes(UTF_8);
        if (random.nextInt(10) == 0) {
            bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
        }
        return bytes;
    }

    private static void value(StringBuilder json, Random random, int depth) {
        switch (depth == 0 ? 2 + random.nextInt(3) : random.nextInt(5)) {
            case 0 -> {
                json.append('{');
                for (int i = random.nextInt(4); i > 0; i--) {
                    json.append('"')
                            .append((char) ('a' + random.nextInt(6)))
                            .append(i)
                            .append("\" :");
                    value(json, random, depth - 1);
                    json.append(i > 1 ? "," : "");
                }
                json.append('}');
            }
            case 1 -> {
                json.append("[ ");
                for (int i = random.nextInt(4); i > 0; i--) {
                    value(json, random, depth - 1);
                    json.append(i > 1 ? " ," : "");
                }
                json.append(']');
            }
            case 2 -> json.append(random.nextInt(2000) - 1000);
            case 3 -> json.append(random.nextDouble());
            default -> json.append(PIECES[20 + random.nextInt(7)]);
        }
    }

    private static Optional<ObjectNode> library(byte[] json) {
        try {
            return Optional.of(CniJson.object(json));
        } catch (CniException e) {
            return Optional.empty();
        }
    }

    private static Optional<JsonSpan> read(byte[] json) {
        try {
            return Optional.of(JsonReader.object(json));
        } catch (CniException e) {
            return Optional.empty();
        }
    }
}
