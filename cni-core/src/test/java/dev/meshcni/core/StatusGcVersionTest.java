// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** STATUS, GC and VERSION of the plugin (CNI specification 1.1, section 2). */
class StatusGcVersionTest extends VerbFixture {
    @Test
    void statusIsAnErrorUntilThePodsAreKnown() throws JsonProcessingException {
        pods.notReady = Optional.of("the first list has not come in");

        JsonNode error = error(handle("STATUS"));

        assertThat(error.path("code").asInt()).isEqualTo(50);
        assertThat(error.path("details").asText()).contains("first list");
        pods.notReady = Optional.empty();
        assertThat(handle("STATUS").reply().exitCode()).isZero();
    }

    @Test
    void gcForgetsAttachmentsThatAreNoLongerValid() {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));
        handle("ADD");

        assertThat(gc("[{\"containerID\":\"0123456789abcdef\",\"ifname\":\"eth0\"}]")
                        .reply()
                        .exitCode())
                .isZero();
        assertThat(handler.attachments().size()).isEqualTo(1);
        gc("[]");
        assertThat(handler.attachments().size()).isZero();
    }

    @Test
    void gcThatDoesNotSayWhatIsValidForgetsNothing() {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));
        handle("ADD");

        Answer answer = handler.handle(Calls.call("GC", "shop", "web"), BUDGET);

        assertThat(answer.reply().exitCode()).isZero();
        assertThat(handler.attachments().size()).isEqualTo(1);
    }

    @Test
    void versionListsAllVersions() throws JsonProcessingException {
        JsonNode version = JSON.readTree(Calls.text(handle("VERSION").reply()));

        assertThat(version.path("supportedVersions").valueStream().map(JsonNode::asText))
                .containsExactly("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0");
    }

    @Test
    void versionIsAnsweredInTheVersionAsked() throws JsonProcessingException {
        Answer answer = handler.handle(
                new AgentProtocol.Request(
                        Map.of("CNI_COMMAND", "VERSION"),
                        "{\"cniVersion\":\"0.4.0\"}".getBytes(StandardCharsets.UTF_8)),
                BUDGET);

        assertThat(JSON.readTree(Calls.text(answer.reply())).path("cniVersion").asText())
                .isEqualTo("0.4.0");
    }

    private Answer gc(String valid) {
        return handler.handle(
                new AgentProtocol.Request(
                        Calls.environment("GC", "shop", "web"),
                        Calls.config(",\"cni.dev/valid-attachments\":" + valid)),
                BUDGET);
    }
}
