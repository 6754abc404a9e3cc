// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TopLevelTextTest {
    private static final String FIELD = "cni_agent_run_dir";

    @Test
    void theFieldIsFoundAmongOthers() {
        assertFound("""
                {"name": "istio-cni", "type":"istio-cni",
                 "exclude_namespaces" : ["a", "b"], "cni_agent_run_dir" : "/run/mesh", "pod_namespace":"istio-system"}""", "/run/mesh");
    }

    @Test
    void fieldsOfInnerObjectsDoNotCount() {
        assertFound("""
                {"prevResult": {"cni_agent_run_dir": "/inner"}, "list": [{"cni_agent_run_dir": "/inner"}],
                 "cni_agent_run_dir": "/outer", "last": {"cni_agent_run_dir": "/inner"}}""", "/outer");
    }

    @Test
    void aTextThatLooksLikeTheFieldIsNotTheField() {
        assertFound("{\"name\": \"cni_agent_run_dir\", \"a\": \"}\\\"\", \"cni_agent_run_dir\": \"/run/a\"}", "/run/a");
    }

    @Test
    void theLastOfTwoCounts() {
        assertFound("{\"cni_agent_run_dir\": \"/a\", \"cni_agent_run_dir\": \"/b\"}", "/b");
    }

    @Test
    void escapedSlashesAreSlashes() {
        assertFound("{\"cni_agent_run_dir\": \"\\/run\\/mesh\"}", "/run/mesh");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "{\"cni_agent_run_dir\"",
                "{\"cni_agent_run_dir\": 5, \"a\": \"b\"}",
                "{\"cni_agent_run_dir\": {\"a\": \"b\"}}",
                "{\"cni_agent_run_dir\": [\"a\"]}",
                "{\"cni_agent_run_dir\": \"\\u002frun\"}",
                "[\"cni_agent_run_dir\", \"a\"]",
                "\"cni_agent_run_dir\"",
                "{\"a\": \"\\"
            })
    void whatIsNoTextOfThatFieldIsNotFound(String json) {
        assertThat(TopLevelText.find(json.getBytes(UTF_8), FIELD)).isEmpty();
    }

    @Property
    void itAgreesWithAParser(@ForAll Map<String, String> fields, @ForAll Map<String, String> inner) throws IOException {
        Map<String, Object> object = new LinkedHashMap<>(fields);
        object.put("inner", inner);
        object.put(FIELD, "/run/mesh/\"dir\"\\");
        object.put("after", inner);
        assertThat(TopLevelText.find(new ObjectMapper().writeValueAsBytes(object), FIELD))
                .contains("/run/mesh/\"dir\"\\");
    }

    @Property
    void noInputBreaksIt(@ForAll String text) {
        assertThat(TopLevelText.find(text.getBytes(UTF_8), FIELD)).isEmpty();
    }

    private static void assertFound(String json, String value) {
        assertThat(TopLevelText.find(json.getBytes(UTF_8), FIELD)).contains(value);
    }
}
