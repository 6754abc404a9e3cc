// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.testkit.NeedsRoot;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The plugin's real process, with the real agent behind it: each kind of fault has its code, and changes nothing. */
@NeedsRoot("makes network namespaces")
class FrontDoorErrorsTest {
    private static PodNetns world;
    private static Netns node;
    private static Agent agent;
    private static Map<String, String> podBefore;
    private static Map<String, String> nodeBefore;

    @BeforeAll
    static void start() {
        Machine.needs("ip", "nsenter", "iptables", "ip6tables", "nft");
        Dist.needed();
        world = PodNetns.create();
        node = Netns.create("node");
        agent = Agent.start(node, "--pod-wait-seconds", "0");
        agent.know(PodManifest.injected("shop", "cart", "u1"));
        agent.know(PodManifest.injected("shop", "wrong", "u2")
                .annotated("traffic.sidecar.istio.io/includeInboundPorts", "8080,-A"));
        podBefore = NetworkState.of(world.pod());
        nodeBefore = NetworkState.of(node);
    }

    @AfterAll
    static void stop() {
        if (agent != null) {
            agent.close();
        }
        if (node != null) {
            node.close();
        }
        if (world != null) {
            world.close();
        }
    }

    static Stream<Arguments> faults() {
        return Stream.of(
                environment("no command", 4, call -> call.without("CNI_COMMAND")),
                environment("command in lower case", 4, call -> call.with("CNI_COMMAND", "add")),
                environment("no container", 4, call -> call.without("CNI_CONTAINERID")),
                environment("container that climbs", 4, call -> call.with("CNI_CONTAINERID", "../../etc")),
                environment("no interface", 4, call -> call.without("CNI_IFNAME")),
                environment("interface of 16 bytes", 4, call -> call.with("CNI_IFNAME", "eth0123456789012")),
                environment("interface with a slash", 4, call -> call.with("CNI_IFNAME", "eth/0")),
                environment("no namespace", 4, call -> call.without("CNI_NETNS")),
                environment("relative namespace", 4, call -> call.with("CNI_NETNS", "run/netns/x")),
                environment("namespace that is gone", 4, call -> call.with("CNI_NETNS", "/run/netns/it-gone")),
                environment("namespace that is a directory", 4, call -> call.with("CNI_NETNS", "/run")),
                environment("namespace that is a file", 4, call -> call.with("CNI_NETNS", "/proc/self/status")),
                environment("namespace of another kind", 4, call -> call.with("CNI_NETNS", "/proc/self/ns/uts")),
                environment("the agent's own namespace", 4, call -> call.with("CNI_NETNS", "/proc/self/ns/net")),
                environment("argument without value", 4, call -> call.with("CNI_ARGS", "K8S_POD_NAME")),
                environment("unknown argument", 4, call -> call.with("CNI_ARGS", "A=b")),
                input("nothing", 6, ""),
                input("half an object", 6, "{\"cniVersion\": \"1.0.0\""),
                input("a list", 6, "[]"),
                input("null", 6, "null"),
                input("text behind the object", 6, "{\"cniVersion\": \"1.0.0\", \"name\": \"it\"} x"),
                config("unknown version", 1, config -> config.put("cniVersion", "9.9.9")),
                config("version that is a number", 7, config -> config.put("cniVersion", 1)),
                config("no name", 7, config -> config.put("name", "")),
                config("name that climbs", 7, config -> config.put("name", "../it")),
                config("name that is a list", 7, config -> config.set("name", config.arrayNode())),
                config("previous result that is none", 7, config -> config.put("prevResult", "none")),
                config(
                        "excluded namespaces that are none",
                        7,
                        config -> config.put("exclude_namespaces", "kube-system")),
                environment("pod that nobody knows", 11, call -> pod(call, "ghost")),
                environment("pod of another UID", 11, call -> pod(call, "cart;K8S_POD_UID=another")),
                environment("wrong annotation", 100, call -> pod(call, "wrong")));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("faults")
    void aFaultHasItsCodeAndChangesNothing(String fault, int code, UnaryOperator<PluginCall> spoil) {
        PluginCall call = spoil.apply(PluginCall.of("ADD", world.pod(), "shop", "cart", agent.pluginConf()));
        Command.Result result = PluginProcess.run(call, node);

        assertThat(PluginProcess.check(call, result)).as(result.out()).contains(code);
        assertThat(NetworkState.of(world.pod())).isEqualTo(podBefore);
        assertThat(NetworkState.of(node)).isEqualTo(nodeBefore);
    }

    @Test
    void anAgentThatIsGoneIsToBeTriedAgain() {
        PluginCall call = PluginCall.of(
                "ADD", world.pod(), "shop", "cart", "{\"type\": \"istio-cni\", \"cni_agent_run_dir\": \"/nowhere\"}");
        assertThat(PluginProcess.check(call, PluginProcess.run(call, node))).contains(11);
    }

    private static PluginCall pod(PluginCall call, String name) {
        return call.with("CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=" + name);
    }

    private static Arguments environment(String fault, int code, UnaryOperator<PluginCall> spoil) {
        return arguments(fault, code, spoil);
    }

    private static Arguments input(String fault, int code, String input) {
        UnaryOperator<PluginCall> spoil = call -> call.withInput(input);
        return arguments("input: " + fault, code, spoil);
    }

    private static Arguments config(String fault, int code, UnaryOperator<ObjectNode> change) {
        UnaryOperator<PluginCall> spoil = call -> call.configured(change);
        return arguments("configuration: " + fault, code, spoil);
    }
}
