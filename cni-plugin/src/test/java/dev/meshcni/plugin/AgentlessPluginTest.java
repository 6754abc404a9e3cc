// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.meshcni.core.AgentProtocol;
import dev.meshcni.core.Answer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AgentlessPluginTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Test
    void aPodWaitsForTheAgent() throws JsonProcessingException {
        AgentProtocol.Reply reply = answer("ADD", "shop", "web", "");

        assertThat(reply.exitCode()).isEqualTo(1);
        JsonNode error = JSON.readTree(reply.stdout().length == 0 ? "{}" : Calls.text(reply));
        assertThat(error.path("code").asInt()).isEqualTo(11);
        assertThat(error.path("cniVersion").asText()).isEqualTo("1.1.0");
        assertThat(error.path("details").asText()).contains("no such socket").contains("istio-cni-node");
    }

    @Test
    void aPodOfAnExcludedNamespacePasses() throws JsonProcessingException {
        AgentProtocol.Reply reply = answer("ADD", "kube-system", "dns", ",\"exclude_namespaces\":[\"kube-system\"]");

        assertThat(reply.exitCode()).isZero();
        assertThat(JSON.readTree(Calls.text(reply))).isEqualTo(JSON.readTree(Calls.PREV_RESULT));
    }

    @Test
    void theAgentsOwnPodPassesInTheAgentsNamespace() {
        String config = ",\"pod_namespace\":\"istio-system\"";

        assertThat(answer("ADD", "istio-system", "istio-cni-node-x7k2p", config).exitCode())
                .isZero();
        assertThat(answer("ADD", "shop", "istio-cni-node-x7k2p", config).exitCode())
                .isEqualTo(1);
        assertThat(answer("ADD", "istio-system", "web", config).exitCode()).isEqualTo(1);
        assertThat(answer("ADD", "istio-system", "istio-cni-node-x7k2p", "").exitCode())
                .isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"DEL", "GC"})
    void deletingNeverNeedsTheAgent(String command) {
        AgentProtocol.Reply reply = answer(command, "shop", "web", "");

        assertThat(reply.exitCode()).isZero();
        assertThat(reply.stdout()).isEmpty();
    }

    /** A runtime that hears otherwise makes its node not ready, and then the agent's own pod does not start either. */
    @Test
    void statusDoesNotKeepTheNodeFromStartingTheAgent() {
        AgentProtocol.Reply reply = answer("STATUS", "shop", "web", "");

        assertThat(reply.exitCode()).isZero();
        assertThat(reply.stdout()).isEmpty();
    }

    @Test
    void aCheckThatNobodyCanMakeFailsForNow() throws JsonProcessingException {
        assertThat(JSON.readTree(Calls.text(answer("CHECK", "shop", "web", "")))
                        .path("code")
                        .asInt())
                .isEqualTo(11);
    }

    @Test
    void everyAnswerSaysForTheLogWhatBecameOfWhichPodAndWhy() {
        assertThat(decide(Calls.environment("ADD", "shop", "web"), Calls.config("")))
                .returns("shop/web", Answer::pod)
                .returns(Answer.Outcome.RETRY, Answer::outcome)
                .satisfies(answer -> assertThat(answer.reason()).contains("no such socket"));
        assertThat(decide(
                        Calls.environment("ADD", "kube-system", "dns"),
                        Calls.config(",\"exclude_namespaces\":[\"kube-system\"]")))
                .returns(Answer.Outcome.SKIPPED, Answer::outcome)
                .returns("namespace kube-system is excluded", Answer::reason);
        assertThat(decide(Calls.environment("DEL", "shop", "web"), Calls.config("")))
                .returns("DEL", Answer::command)
                .returns(Answer.Outcome.OK, Answer::outcome)
                .satisfies(answer -> assertThat(answer.reason()).contains("no such socket"));
        assertThat(decide(Map.of("CNI_COMMAND", "ADD"), Calls.config("")))
                .returns("", Answer::pod)
                .returns(Answer.Outcome.FAILED, Answer::outcome);
    }

    @Test
    void whatIsNoPodPasses() {
        Map<String, String> environment = Calls.environment("ADD", "shop", "web");
        environment.put("CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAME=podman-container");

        assertThat(answer(environment, Calls.config("")).exitCode()).isZero();
    }

    @Test
    void aRequestThatIsWrongGetsItsOwnError() throws JsonProcessingException {
        Map<String, String> environment = Calls.environment("ADD", "shop", "web");
        environment.remove("CNI_NETNS");

        JsonNode error = JSON.readTree(Calls.text(answer(environment, Calls.config(""))));

        assertThat(error.path("code").asInt()).isEqualTo(4);
        assertThat(error.path("msg").asText()).contains("CNI_NETNS");
    }

    @Test
    void aPreviousResultThatCannotBeConvertedIsAnErrorAlsoForWhatPasses() throws JsonProcessingException {
        byte[] config =
                "{\"cniVersion\":\"0.4.0\",\"name\":\"net\",\"prevResult\":{\"cniVersion\":\"1.0.0\",\"ips\":\"none\"}}"
                        .getBytes(StandardCharsets.UTF_8);
        Map<String, String> environment = Calls.environment("ADD", "shop", "web");
        environment.put("CNI_ARGS", "");

        JsonNode error = JSON.readTree(Calls.text(answer(environment, config)));

        assertThat(error.path("code").asInt()).isEqualTo(7);
        assertThat(error.path("msg").asText()).contains("prevResult");
    }

    @Test
    void thePreviousResultIsConvertedToTheVersionAskedFor() throws JsonProcessingException {
        byte[] config = ("{\"cniVersion\":\"0.4.0\",\"name\":\"net\",\"prevResult\":" + Calls.PREV_RESULT + "}")
                .getBytes(StandardCharsets.UTF_8);
        Map<String, String> environment = Calls.environment("ADD", "shop", "web");
        environment.put("CNI_ARGS", "");

        JsonNode result = JSON.readTree(Calls.text(answer(environment, config)));

        assertThat(result.path("cniVersion").asText()).isEqualTo("0.4.0");
        assertThat(result.path("ips").path(0).path("version").asText()).isEqualTo("4");
    }

    private static AgentProtocol.Reply answer(String command, String namespace, String pod, String config) {
        return answer(Calls.environment(command, namespace, pod), Calls.config(config));
    }

    private static AgentProtocol.Reply answer(Map<String, String> environment, byte[] config) {
        return decide(environment, config).reply();
    }

    private static Answer decide(Map<String, String> environment, byte[] config) {
        return AgentlessPlugin.answer(
                new AgentProtocol.Request(environment, config), "/run/agent.sock: no such socket");
    }
}
