// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.core.Answer.Outcome;
import dev.meshcni.core.spi.NetnsException;
import dev.meshcni.core.spi.RedirectException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** DEL of the plugin (CNI specification 1.1, section 2). */
class DelVerbTest extends VerbFixture {
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

    private static AgentProtocol.Request attachment(String command, String container, String ifName) {
        Map<String, String> environment = Calls.environment(command, "shop", "web");
        environment.put("CNI_CONTAINERID", container);
        environment.put("CNI_IFNAME", ifName);
        return new AgentProtocol.Request(environment, Calls.config(""));
    }
}
