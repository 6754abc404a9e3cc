// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a plugin prints and exits with, held against the CNI specification 1.1, section 5: one result or one error
 * object, or nothing where the command has no result, and never anything else.
 */
final class CniOutput {
    private static final ObjectMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .build();
    private static final Set<String> VERSIONS = Set.of("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0");
    /** The codes that the specification knows, and those of this plugin's own except the one for its own faults. */
    private static final Set<Integer> CODES = Set.of(1, 2, 3, 4, 5, 6, 7, 11, 50, 51, 100, 101, 102, 103);

    private CniOutput() {}

    /**
     * Checks the output of a call.
     *
     * @param command the value of {@code CNI_COMMAND}, whatever it is
     * @return the code of the error, if it is one
     */
    static Optional<Integer> check(String command, int exitCode, byte[] stdout) {
        String text = new String(stdout, UTF_8);
        if (exitCode != 0) {
            return Optional.of(error(text));
        }
        switch (command) {
            case "ADD" ->
                assertThat(VERSIONS).contains(object(text).path("cniVersion").asText());
            case "VERSION" ->
                assertThat(object(text).path("supportedVersions"))
                        .extracting(JsonNode::asText)
                        .containsExactlyInAnyOrderElementsOf(VERSIONS);
            case "DEL", "CHECK", "GC", "STATUS" -> assertThat(text).isEmpty();
            default -> throw new AssertionError("success for the command '" + command + "': " + text);
        }
        return Optional.empty();
    }

    private static int error(String text) {
        JsonNode error = object(text);
        assertThat(List.of("cniVersion", "code", "msg", "details")).containsAll((Iterable<String>) error::fieldNames);
        assertThat(VERSIONS).contains(error.path("cniVersion").asText());
        assertThat(error.path("code").isInt()).as(text).isTrue();
        assertThat(CODES).contains(error.path("code").asInt());
        assertThat(error.path("msg").asText()).isNotBlank();
        assertThat(text).as("no stack trace").doesNotContain("\\tat ", "Exception", ".java:");
        return error.path("code").asInt();
    }

    private static JsonNode object(String text) {
        try {
            JsonNode node = JSON.readTree(text);
            assertThat(node.isObject()).as("one JSON object: %s", text).isTrue();
            return node;
        } catch (JsonProcessingException e) {
            throw new AssertionError("not one JSON document: " + text, e);
        }
    }
}
