// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.meshcni.core.Answer.Outcome;
import dev.meshcni.core.spi.NetnsException;
import dev.meshcni.core.spi.PodSourceException;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.redirect.Pod;
import dev.meshcni.rules.IpFamily;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** ADD of the plugin (CNI specification 1.1, section 2). */
class AddVerbTest extends VerbFixture {
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
}
