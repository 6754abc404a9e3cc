// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.CniException;
import dev.meshcni.api.ConfigFields;
import dev.meshcni.api.PluginConfig;
import dev.meshcni.api.SpecVersion;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/**
 * The plugin's own look at a configuration finds what {@link PluginConfig} finds, and complains of the same in the same
 * words.
 */
class CallConfigTest {
    private static final List<String> FIELDS =
            List.of("cniVersion", "name", "type", "exclude_namespaces", "pod_namespace", "prevResult", "other");
    private static final List<String> VALUES = List.of(
            "null",
            "true",
            "7",
            "[]",
            "{}",
            "[\"a\",\"b\"]",
            "[\"a\",7]",
            "[null]",
            "\"\"",
            "\"1.0.0\"",
            "\"0.4.0\"",
            "\"9.9.9\"",
            "\"net\"",
            "\"-net\"",
            "\"n\\u0065t\"",
            "\"\\ud83d\\ude00\"",
            "\"\\u0000\\u202e\"");

    @Property(tries = 20_000)
    void theSameIsFoundAndRefused(@ForAll("configurations") String json) {
        assertThat(told(() -> CallConfig.parse(json.getBytes(UTF_8)), CallConfig::cniVersion))
                .as(json)
                .isEqualTo(told(() -> PluginConfig.parse(json.getBytes(UTF_8)), PluginConfig::cniVersion));
    }

    @Provide
    Arbitrary<String> configurations() {
        return Combinators.combine(
                        Arbitraries.of(FIELDS).list().uniqueElements().ofMaxSize(FIELDS.size()),
                        Arbitraries.of(VALUES).list().ofSize(FIELDS.size()),
                        Arbitraries.of(true, true, true, false))
                .as((fields, values, usual) -> {
                    StringBuilder json = new StringBuilder("{");
                    for (String field : fields) {
                        String value = usual && field.equals("name") ? "\"net\"" : values.get(fields.indexOf(field));
                        json.append(json.length() > 1 ? ", " : " ")
                                .append('"')
                                .append(field)
                                .append("\": ")
                                .append(value);
                    }
                    return json.append(" }").toString();
                });
    }

    /** All that can be asked of a configuration, or why it cannot. */
    private static <T extends ConfigFields> String told(Supplier<T> parse, Function<T, SpecVersion> version) {
        StringBuilder told = new StringBuilder();
        try {
            T config = parse.get();
            told.append(version.apply(config));
            for (String field : FIELDS) {
                told.append('\n').append(field);
                told.append(outcome(() -> config.text(field))).append(outcome(() -> config.strings(field)));
            }
        } catch (CniException e) {
            told.append(e.code()).append(e.getMessage()).append(e.details());
        }
        return told.toString();
    }

    private static String outcome(Supplier<Object> question) {
        try {
            return question.get().toString();
        } catch (CniException e) {
            return e.code() + e.getMessage();
        }
    }
}
