// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.meshcni.api.chain.ChainAdapters;
import dev.meshcni.core.Answer.Outcome;
import dev.meshcni.core.spi.NetnsException;
import dev.meshcni.core.spi.PodSourceException;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.redirect.AmbientMetadata;
import dev.meshcni.redirect.AmbientOptions;
import dev.meshcni.redirect.AmbientRules;
import dev.meshcni.redirect.Pod;
import dev.meshcni.rules.IpFamily;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PluginHandlerTest {
    private static final Duration BUDGET = Duration.ofSeconds(20);
    private static final Path NETNS = Path.of(Calls.NETNS);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final ListedPods pods = new ListedPods();
    private final MemoryBackend backend = new MemoryBackend();
    private final MemoryStore store = new MemoryStore();
    private final PluginHandler handler = handler();

    @Test
    void addRedirectsAnInjectedPodAndReturnsThePreviousResult() throws JsonProcessingException {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));

        Answer answer = handle("ADD");

        assertThat(answer.outcome()).isEqualTo(Outcome.REDIRECTED);
        assertThat(answer.pod()).isEqualTo("shop/web");
        assertThat(answer.reason()).isEqualTo("ipv4 20 rules");
        assertThat(JSON.readTree(Calls.text(answer.reply()))).isEqualTo(JSON.readTree(Calls.PREV_RESULT));
        assertThat(backend.plan(NETNS).orElseThrow().families()).containsExactly(IpFamily.IPV4);
        assertThat(handler.attachments().size()).isEqualTo(1);
    }

    @Test
    void addLeavesAPodWithoutProxyAlone() {
        pods.pods.add(new Pod("shop", "web", "", Map.of(), Map.of(), false, List.of(), List.of()));

        Answer answer = handle("ADD");

        assertThat(answer.outcome()).isEqualTo(Outcome.SKIPPED);
        assertThat(answer.reply().exitCode()).isZero();
        assertThat(answer.reason()).contains("istio-proxy");
        assertThat(backend.opened).as("namespaces that were opened").hasValue(0);
        assertThat(backend.applied).isEmpty();
    }

    @Test
    void addLooksForNoPodOfAnExcludedNamespace() {
        pods.failure = Optional.of(new PodSourceException("must not be asked"));

        Answer answer = handler.handle(
                new AgentProtocol.Request(
                        Calls.environment("ADD", "kube-system", "dns"),
                        Calls.config(",\"exclude_namespaces\":[\"kube-system\"]")),
                BUDGET);

        assertThat(answer.outcome()).isEqualTo(Outcome.SKIPPED);
    }

    @Test
    void addOfAPodThatNobodyKnowsIsToBeTriedAgain() throws JsonProcessingException {
        Answer answer = handle("ADD");

        assertThat(answer.outcome()).isEqualTo(Outcome.RETRY);
        assertThat(error(answer).path("code").asInt()).isEqualTo(11);
        assertThat(error(answer).path("msg").asText()).contains("shop/web");
    }

    @Test
    void addNeverTakesAPodOfAnotherUid() throws JsonProcessingException {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));
        Map<String, String> environment = Calls.environment("ADD", "shop", "web");
        environment.merge("CNI_ARGS", ";K8S_POD_UID=another", String::concat);

        Answer answer = handler.handle(new AgentProtocol.Request(environment, Calls.config("")), BUDGET);

        assertThat(error(answer).path("code").asInt()).isEqualTo(11);
        assertThat(backend.applied).isEmpty();
    }

    @Test
    void aBadAnnotationIsNamedWithItsValue() throws JsonProcessingException {
        pods.pods.add(
                ListedPods.injected("shop", "web", Map.of("traffic.sidecar.istio.io/excludeInboundPorts", "80,http")));

        Answer answer = handle("ADD");

        assertThat(error(answer).path("code").asInt()).isEqualTo(100);
        assertThat(error(answer).path("msg").asText())
                .contains("traffic.sidecar.istio.io/excludeInboundPorts")
                .contains("http");
        assertThat(backend.applied).isEmpty();
        assertThat(backend.open).as("namespaces that are still open").hasValue(0);
        assertThat(handler.attachments().size()).isZero();
    }

    @Test
    @Timeout(60)
    void aPodThatWaitsBecauseItNeedsManyRulesKeepsNoNamespace() throws Exception {
        pods.pods.add(ListedPods.injected(
                "shop",
                "web",
                Map.of(
                        "traffic.sidecar.istio.io/excludeOutboundPorts",
                        IntStream.range(1, 1000).mapToObj(String::valueOf).collect(Collectors.joining(",")))));
        CountDownLatch work = new CountDownLatch(1);
        CountDownLatch atWork = new CountDownLatch(2);
        backend.whileApplying = () -> {
            atWork.countDown();
            try {
                work.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        };
        List<CompletableFuture<Answer>> answers = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            answers.add(CompletableFuture.supplyAsync(() -> handle("ADD"), Thread::startVirtualThread));
        }
        atWork.await();
        int before = backend.opened.get();

        answers.add(CompletableFuture.supplyAsync(() -> handle("ADD"), Thread::startVirtualThread));

        while (backend.opened.get() == before || backend.open.get() > 2) {
            Thread.sleep(1);
        }
        work.countDown();
        for (CompletableFuture<Answer> answer : answers) {
            assertThat(answer.get().outcome()).isEqualTo(Outcome.REDIRECTED);
        }
        assertThat(backend.open).hasValue(0);
    }

    @Test
    void aBackendThatFailsFailsTheAdd() throws JsonProcessingException {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));
        backend.failure = Optional.of(new RedirectException("iptables-restore: line 3 failed"));

        Answer answer = handle("ADD");

        assertThat(answer.outcome()).isEqualTo(Outcome.FAILED);
        assertThat(error(answer).path("code").asInt()).isEqualTo(101);
        assertThat(error(answer).path("msg").asText()).contains("line 3 failed");
        assertThat(handler.attachments().size()).isZero();
    }

    @Test
    void aNetnsThatIsNoneIsAnInvalidVariable() throws JsonProcessingException {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));
        backend.failure = Optional.of(new NetnsException("/var/run/netns/test does not exist"));

        assertThat(error(handle("ADD")).path("code").asInt()).isEqualTo(4);
        assertThat(error(handle("ADD")).path("msg").asText()).startsWith("CNI_NETNS: ");
    }

    @Test
    void aFaultOfOurOwnIsACniErrorToo() throws JsonProcessingException {
        pods.failure = Optional.of(new IllegalStateException("unexpected"));

        assertThat(error(handle("ADD")).path("code").asInt()).isEqualTo(199);
    }

    @Test
    void aResultWithoutAnAddressFailsTheAdd() throws JsonProcessingException {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));

        JsonNode error = error(handler.handle(
                new AgentProtocol.Request(
                        Calls.environment("ADD", "shop", "web"),
                        "{\"cniVersion\":\"1.0.0\",\"name\":\"net\",\"prevResult\":{\"cniVersion\":\"1.0.0\"}}"
                                .getBytes(StandardCharsets.UTF_8)),
                BUDGET));

        assertThat(error.path("code").asInt()).isEqualTo(103);
        assertThat(error.path("details").asText()).contains("generic");
        assertThat(backend.applied).isEmpty();
    }

    @Test
    void aStandalonePluginNeedsNoResult() {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));

        Answer answer = handler.handle(
                new AgentProtocol.Request(
                        Calls.environment("ADD", "shop", "web"),
                        "{\"cniVersion\":\"0.3.1\",\"name\":\"istio-cni\"}".getBytes(StandardCharsets.UTF_8)),
                BUDGET);

        assertThat(answer.outcome()).isEqualTo(Outcome.REDIRECTED);
        assertThat(Calls.text(answer.reply())).isEqualTo("{\"cniVersion\":\"0.3.1\"}");
    }

    @Test
    void anAdapterThatIsNotInstalledIsNamed() throws JsonProcessingException {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));

        JsonNode error = error(handler.handle(
                new AgentProtocol.Request(
                        Calls.environment("ADD", "shop", "web"), Calls.config(",\"chain_adapter\":\"other\"")),
                BUDGET));

        assertThat(error.path("code").asInt()).isEqualTo(7);
        assertThat(error.path("msg").asText()).contains("other");
    }

    @Test
    void ipv6IsRedirectedWhenItIsThePodsFirstAddress() {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));
        backend.addresses.addFirst(InetAddress.ofLiteral("fd00::5"));

        handle("ADD");

        assertThat(backend.plan(NETNS).orElseThrow().families())
                .containsExactlyInAnyOrder(IpFamily.IPV4, IpFamily.IPV6);
    }

    @Test
    void checkSucceedsAfterAdd() {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));
        handle("ADD");

        assertThat(handle("CHECK").reply()).satisfies(reply -> {
            assertThat(reply.exitCode()).isZero();
            assertThat(reply.stdout()).isEmpty();
        });
    }

    @Test
    void checkNamesEachDifference() throws JsonProcessingException {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));

        JsonNode error = error(handle("CHECK"));

        assertThat(error.path("code").asInt()).isEqualTo(102);
        assertThat(error.path("details").asText()).isEqualTo("missing in ipv4 nat OUTPUT: -A OUTPUT -j ISTIO_OUTPUT");
    }

    /** Istio's node agent writes rules for IPv6 as well into a pod that has IPv4 only. */
    @Test
    void checkOfAnAmbientPodAcceptsTheRulesOfIstioAndNamesEachDifference() throws JsonProcessingException {
        Pod pod = ambient(Map.of(AmbientMetadata.REDIRECTION, "enabled", AmbientOptions.DNS_CAPTURE, "false"));
        pods.pods.add(pod);
        AmbientOptions options = AmbientOptions.of(pod, AmbientOptions.Node.STANDARD);

        for (Set<IpFamily> families : List.of(EnumSet.of(IpFamily.IPV4), EnumSet.allOf(IpFamily.class))) {
            backend.applied.put(backend.renew(NETNS), AmbientRules.compile(options, families));
            assertThat(handle("CHECK").reply().exitCode()).isZero();
        }
        backend.renew(NETNS);
        JsonNode error = error(handle("CHECK"));

        assertThat(error.path("code").asInt()).isEqualTo(102);
        assertThat(error.path("msg").asText()).contains("differs from what an ambient pod needs: 1 difference");
    }

    /** Nothing enrols such a pod yet, so it has no rules that could differ. */
    @Test
    void checkOfAPodThatNobodyHasEnrolledFindsNothing() {
        pods.pods.add(ambient(Map.of()));

        assertThat(handle("CHECK").reply().exitCode()).isZero();
    }

    private static Pod ambient(Map<String, String> annotations) {
        Map<String, String> labels = Map.of(AmbientMetadata.MODE, "ambient");
        return new Pod("shop", "web", "", labels, annotations, false, List.of(), List.of());
    }

    @Test
    void delTakesTheRulesOutAndForgetsTheAttachment() {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));
        handle("ADD");

        Answer answer = handle("DEL");

        assertThat(answer.outcome()).isEqualTo(Outcome.OK);
        assertThat(backend.applied).isEmpty();
        assertThat(handler.attachments().size()).isZero();
    }

    @Test
    void delOfOneAttachmentLeavesTheRulesToAnotherInTheSameNamespace() {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));
        handle("ADD");
        handler.handle(attachment("ADD", "c1", "net1"), BUDGET);

        Answer answer = handler.handle(attachment("DEL", "c1", "net1"), BUDGET);

        assertThat(answer.reason())
                .isEqualTo("rules kept: eth0 of container 0123456789abcdef is redirected in"
                        + " the same network namespace");
        assertThat(handle("CHECK").reply().exitCode()).isZero();
        handle("DEL");
        assertThat(backend.applied).isEmpty();
    }

    @Test
    void aLateDelOfAnOlderContainerLeavesTheNewOneAlone() {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));
        handler.handle(attachment("ADD", "c1", "eth0"), BUDGET);
        handler.handle(attachment("ADD", "c2", "eth0"), BUDGET);

        handler.handle(attachment("DEL", "c1", "eth0"), BUDGET);

        assertThat(backend.plan(NETNS)).isPresent();
        assertThat(handler.attachments().size()).isEqualTo(1);
    }

    @Test
    void delTouchesNoOtherNamespaceThanTheOneOfItsAdd() {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));
        handler.handle(attachment("ADD", "c1", "eth0"), BUDGET);
        backend.renew(NETNS);
        handler.handle(attachment("ADD", "c2", "eth0"), BUDGET);

        Answer answer = handler.handle(attachment("DEL", "c1", "eth0"), BUDGET);

        assertThat(answer.reason()).contains("its path refers to another one");
        assertThat(backend.plan(NETNS)).isPresent();
    }

    @Test
    void delOfWhatNobodyAddedTouchesNothing() {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));
        handle("ADD");

        Answer answer = handler.handle(attachment("DEL", "never-added", "eth0"), BUDGET);

        assertThat(answer.reason()).isEqualTo("nothing to remove");
        assertThat(backend.plan(NETNS)).isPresent();
    }

    @Test
    void anAgentThatWasStartedAgainUndoesWhatTheOneBeforeDid() {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));
        handle("ADD");
        handler.handle(attachment("ADD", "c1", "net1"), BUDGET);
        PluginHandler next = handler();

        next.handle(attachment("DEL", "c1", "net1"), BUDGET);
        assertThat(backend.plan(NETNS)).isPresent();
        next.handle(Calls.call("DEL", "shop", "web"), BUDGET);

        assertThat(backend.applied).isEmpty();
        assertThat(store.kept).isEmpty();
    }

    @Test
    void whatIsGoneSinceAnEarlierAgentIsForgotten() {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));
        handle("ADD");
        PluginHandler stillThere = handler();
        assertThat(stillThere.forgetGone(backend, BUDGET)).isZero();
        backend.renew(NETNS);

        assertThat(handler().forgetGone(backend, BUDGET)).isEqualTo(1);

        assertThat(store.kept).isEmpty();
    }

    @Test
    void checkOfAnotherNamespaceThanThatOfAddIsAnError() throws JsonProcessingException {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));
        handle("ADD");
        backend.renew(NETNS);

        JsonNode error = error(handle("CHECK"));

        assertThat(error.path("code").asInt()).isEqualTo(102);
        assertThat(error.path("msg").asText()).contains("ADD redirected net:[");
    }

    @Test
    void anAddThatFailsLeavesNoAttachment() {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));
        backend.failure = Optional.of(new RedirectException("no"));

        handle("ADD");

        assertThat(handler.attachments().size()).isZero();
        assertThat(store.kept).isEmpty();
    }

    @Test
    void anAddThatCannotBeRememberedChangesNothing() throws JsonProcessingException {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));
        store.full = true;

        assertThat(error(handle("ADD")).path("code").asInt()).isEqualTo(101);

        assertThat(backend.applied).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                ",\"exclude_namespaces\":\"kube-system\"",
                ",\"exclude_namespaces\":7",
                ",\"native_nftables\":\"yes\"",
                ",\"pod_namespace\":[]",
                ",\"prevResult\":{\"ips\":\"none\"}"
            })
    void delSucceedsWhateverElseTheConfigurationHolds(String field) {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));
        handle("ADD");
        byte[] config = ("{\"cniVersion\":\"1.0.0\",\"name\":\"net\"" + field + "}").getBytes(StandardCharsets.UTF_8);

        Answer answer =
                handler.handle(new AgentProtocol.Request(Calls.environment("DEL", "shop", "web"), config), BUDGET);

        assertThat(answer.reply().exitCode()).isZero();
        assertThat(backend.applied).isEmpty();
    }

    @Test
    void delTakesAStringOfMoreThanAMegabyte() {
        byte[] config = ("{\"cniVersion\":\"1.0.0\",\"name\":\"net\",\"x\":\"" + "a".repeat((1 << 20) + 1) + "\"}")
                .getBytes(StandardCharsets.UTF_8);

        Answer answer =
                handler.handle(new AgentProtocol.Request(Calls.environment("DEL", "shop", "web"), config), BUDGET);

        assertThat(answer.reply().exitCode()).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"garbage", "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web;FOO=1", "IgnoreUnknown=1;", ";;="})
    void delTakesAnyArguments(String args) {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));
        handle("ADD");
        Map<String, String> environment = Calls.environment("DEL", "shop", "web");
        environment.put("CNI_ARGS", args);

        Answer answer = handler.handle(new AgentProtocol.Request(environment, Calls.config("")), BUDGET);

        assertThat(answer.reply().exitCode()).isZero();
        assertThat(backend.applied).isEmpty();
    }

    @Test
    void delSucceedsWhenTheNamespaceIsGone() {
        backend.failure = Optional.of(new NetnsException("gone"));

        assertThat(handle("DEL").reply().exitCode()).isZero();
    }

    @Test
    void delSucceedsWhenTheRulesCannotBeTakenOut() {
        backend.failure = Optional.of(new RedirectException("no"));

        assertThat(handle("DEL").reply().exitCode()).isZero();
    }

    @Test
    void delWithoutNetnsAndResultSucceeds() {
        Map<String, String> environment = Calls.environment("DEL", "shop", "web");
        environment.put("CNI_NETNS", "");

        Answer answer = handler.handle(
                new AgentProtocol.Request(
                        environment, "{\"cniVersion\":\"1.0.0\",\"name\":\"net\"}".getBytes(StandardCharsets.UTF_8)),
                BUDGET);

        assertThat(answer.reply().exitCode()).isZero();
    }

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

    /** An agent that begins with what is in the store. */
    private PluginHandler handler() {
        return new PluginHandler(
                pods,
                pods::notReady,
                Backends.of(List.of(backend)),
                new PrevResultCheck(ChainAdapters.installed()),
                Duration.ofSeconds(1),
                store);
    }

    private static AgentProtocol.Request attachment(String command, String container, String ifName) {
        Map<String, String> environment = Calls.environment(command, "shop", "web");
        environment.put("CNI_CONTAINERID", container);
        environment.put("CNI_IFNAME", ifName);
        return new AgentProtocol.Request(environment, Calls.config(""));
    }

    private Answer handle(String command) {
        return handler.handle(Calls.call(command, "shop", "web"), BUDGET);
    }

    private Answer gc(String valid) {
        return handler.handle(
                new AgentProtocol.Request(
                        Calls.environment("GC", "shop", "web"),
                        Calls.config(",\"cni.dev/valid-attachments\":" + valid)),
                BUDGET);
    }

    private static JsonNode error(Answer answer) throws JsonProcessingException {
        assertThat(answer.reply().exitCode()).isEqualTo(1);
        return JSON.readTree(Calls.text(answer.reply()));
    }
}
