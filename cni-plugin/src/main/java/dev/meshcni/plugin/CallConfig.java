// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import dev.meshcni.api.CniException;
import dev.meshcni.api.ConfigFields;
import dev.meshcni.api.ErrorCode;
import dev.meshcni.api.PluginConfig;
import dev.meshcni.api.SpecVersion;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The configuration on standard input, as far as the plugin reads it without the agent; {@link PluginConfig} is the
 * same for a JVM. What is refused there is refused here, for the same reasons.
 */
final class CallConfig implements ConfigFields {
    private static final String CNI_VERSION = "cniVersion";
    private static final String PREV_RESULT = "prevResult";

    private final JsonSpan fields;
    private final SpecVersion cniVersion;

    private CallConfig(JsonSpan fields) {
        this.fields = fields;
        this.cniVersion = SpecVersion.ofConfiguration(text(CNI_VERSION).orElse(""));
        PluginConfig.requireNetworkName(text("name").orElse(""));
        text("type");
    }

    /**
     * Reads a configuration.
     *
     * @throws CniException as {@link PluginConfig#parse} does
     */
    static CallConfig parse(byte[] stdin) {
        return new CallConfig(JsonReader.object(stdin));
    }

    SpecVersion cniVersion() {
        return cniVersion;
    }

    @Override
    public Optional<String> text(String field) {
        return value(field, JsonSpan.Kind.STRING, "a string").map(JsonSpan::text);
    }

    @Override
    public List<String> strings(String field) {
        List<String> strings = new ArrayList<>();
        for (JsonSpan element : value(field, JsonSpan.Kind.LIST, "a list")
                .map(JsonSpan::elements)
                .orElse(List.of())) {
            if (element.kind() != JsonSpan.Kind.STRING) {
                throw wrong(field + "[" + strings.size() + "]", "a string", element);
            }
            strings.add(element.text());
        }
        return strings;
    }

    /**
     * The output of ADD: the result of the previous plugins, in the requested version; empty without a previous result.
     *
     * @throws CniException if it is no object, or cannot be said in that version
     */
    byte[] passedOn() {
        Optional<JsonSpan> previous = value(PREV_RESULT, JsonSpan.Kind.OBJECT, "an object");
        return new PassedResult(previous, cniVersion).json();
    }

    private Optional<JsonSpan> value(String field, JsonSpan.Kind kind, String expected) {
        Optional<JsonSpan> value = fields.member(field).filter(found -> found.kind() != JsonSpan.Kind.NULL);
        if (value.isPresent() && value.get().kind() != kind) {
            throw wrong(field, expected, value.get());
        }
        return value;
    }

    private static CniException wrong(String field, String expected, JsonSpan found) {
        return new CniException(
                ErrorCode.INVALID_NETWORK_CONFIG,
                "invalid field " + field + ": expected " + expected + ", got "
                        + found.kind().words(),
                "");
    }
}
