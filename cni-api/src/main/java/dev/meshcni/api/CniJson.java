// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * JSON as CNI uses it, read within bounds: strict UTF-8 without byte order mark, one value and nothing after it, at
 * most {@link #MAX_DEPTH} levels deep and {@link #MAX_LENGTH} characters long. Whatever is wrong with the input is a
 * {@link CniException} with {@link ErrorCode#DECODING_FAILURE} that names line and column.
 *
 * <p>Numbers keep their digits, so that unknown fields are preserved.
 *
 * <p>API status: INTERNAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public final class CniJson {
    /** The deepest nesting that is read. */
    public static final int MAX_DEPTH = 100;
    /** The longest document that is read, in bytes and in characters. */
    public static final int MAX_LENGTH = 4 << 20;

    private static final int LONGEST_NAME = 4 << 10;
    private static final int LONGEST_NUMBER = 100;

    private static final Pattern PLACE = Pattern.compile("\\[Source:[^\\]]*line: (\\d+), column: (\\d+)\\]");

    private static final JsonMapper LENIENT = mapper(false);
    private static final JsonMapper STRICT = mapper(true);

    private CniJson() {}

    /** Reads an object in which no field occurs twice. */
    public static ObjectNode object(byte[] input) {
        return object(STRICT, text(input));
    }

    /** Reads an object as container runtimes do: of a field that occurs twice, the last one counts. */
    public static ObjectNode lenientObject(String input) {
        return object(LENIENT, input);
    }

    /** The text of bytes that are UTF-8. */
    public static String text(byte[] input) {
        Objects.requireNonNull(input, "input is null");
        if (input.length > MAX_LENGTH) {
            throw undecodable("longer than " + MAX_LENGTH + " bytes", null);
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(input))
                    .toString();
        } catch (CharacterCodingException e) {
            throw undecodable("not UTF-8", e);
        }
    }

    /** The shortest JSON of a value, in UTF-8. */
    public static byte[] bytes(JsonNode json) {
        return compact(json).getBytes(StandardCharsets.UTF_8);
    }

    /** The shortest JSON of a value. */
    public static String compact(JsonNode json) {
        try {
            return LENIENT.writeValueAsString(json);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a JSON tree can always be written", e);
        }
    }

    /** An object over several lines, as people write it; its lists stand on one line. */
    public static String pretty(ObjectNode json) {
        return pretty(json, "  ", "\n");
    }

    /** An object with fields indented by a step, over several lines that are separated by what is given. */
    public static String pretty(ObjectNode json, String step, String newLine) {
        DefaultPrettyPrinter printer = new DefaultPrettyPrinter(
                        Separators.createDefaultInstance().withObjectFieldValueSpacing(Separators.Spacing.AFTER))
                .withObjectIndenter(new DefaultIndenter(step, newLine));
        try {
            return LENIENT.writer(printer).writeValueAsString(json);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a JSON tree can always be written", e);
        }
    }

    public static ObjectNode newObject() {
        return LENIENT.createObjectNode();
    }

    static JsonFactory factory() {
        return LENIENT.getFactory();
    }

    private static ObjectNode object(JsonMapper mapper, String text) {
        JsonNode node;
        try {
            node = mapper.readTree(text);
        } catch (JacksonException e) {
            throw undecodable(position(e.getLocation()) + reason(e), e);
        } catch (NumberFormatException e) {
            // The library says so of an exponent that its numbers cannot have, and does not say where it stands.
            throw undecodable("a number has an exponent out of range", e);
        }
        if (node.isMissingNode()) {
            throw undecodable("it is empty", null);
        }
        if (node instanceof ObjectNode object) {
            return object;
        }
        throw undecodable("expected an object, got " + kind(node), null);
    }

    /** The JSON type of a value, as named in messages. */
    static String kind(JsonNode node) {
        return switch (node.getNodeType()) {
            case ARRAY -> "a list";
            case BINARY, POJO, MISSING -> "nothing";
            case BOOLEAN -> "a boolean";
            case NULL -> "null";
            case NUMBER -> "a number";
            case OBJECT -> "an object";
            case STRING -> "a string";
        };
    }

    private static String position(JsonLocation location) {
        return location == null ? "" : "line " + location.getLineNr() + ", column " + location.getColumnNr() + ": ";
    }

    /** Jackson's words without its own way of saying where: it names the source, which is not known here. */
    private static String reason(JacksonException failure) {
        return PLACE.matcher(failure.getOriginalMessage()).replaceAll("line $1, column $2");
    }

    private static CniException undecodable(String why, Throwable cause) {
        return new CniException(ErrorCode.DECODING_FAILURE, "cannot decode JSON: " + why, "", cause);
    }

    private static JsonMapper mapper(boolean strict) {
        JsonFactory factory = JsonFactory.builder()
                .streamReadConstraints(StreamReadConstraints.builder()
                        .maxNestingDepth(MAX_DEPTH)
                        .maxDocumentLength(MAX_LENGTH)
                        .maxStringLength(MAX_LENGTH)
                        .maxNameLength(LONGEST_NAME)
                        .maxNumberLength(LONGEST_NUMBER)
                        .build())
                .configure(StreamReadFeature.STRICT_DUPLICATE_DETECTION, strict)
                .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
                .build();
        return JsonMapper.builder(factory)
                .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
                .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
                .build();
    }
}
