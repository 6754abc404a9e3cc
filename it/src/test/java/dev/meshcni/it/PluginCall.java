// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.core.AgentProtocol;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/** A call of the plugin as a container runtime makes it, to be varied. */
final class PluginCall {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Map<String, String> environment;
    private final byte[] input;

    PluginCall(Map<String, String> environment, byte[] input) {
        this.environment = new TreeMap<>(environment);
        this.input = input;
    }

    /**
     * The call for the interface eth0 of a pod, last in a chain behind ptp.
     *
     * @param conf the plugin's entry in the configuration list
     */
    static PluginCall of(String command, Netns netns, String podNamespace, String podName, String conf) {
        Map<String, String> environment = Map.of(
                "CNI_COMMAND",
                command,
                "CNI_CONTAINERID",
                "d0d0cafe0123",
                "CNI_NETNS",
                netns.path().toString(),
                "CNI_IFNAME",
                "eth0",
                "CNI_PATH",
                "/opt/cni/bin",
                "CNI_ARGS",
                "IgnoreUnknown=1;K8S_POD_NAMESPACE=" + podNamespace + ";K8S_POD_NAME=" + podName);
        ObjectNode config = object(conf);
        config.put("cniVersion", "1.1.0").put("name", "it");
        config.set("prevResult", prevResult(netns));
        if (command.equals("GC")) {
            config.putArray("cni.dev/valid-attachments")
                    .addObject()
                    .put("containerID", "d0d0cafe0123")
                    .put("ifname", "eth0");
        }
        return new PluginCall(environment, config.toString().getBytes(UTF_8));
    }

    Map<String, String> environment() {
        return environment;
    }

    byte[] input() {
        return input;
    }

    String command() {
        return environment.getOrDefault("CNI_COMMAND", "");
    }

    PluginCall with(String variable, String value) {
        Map<String, String> changed = new TreeMap<>(environment);
        changed.put(variable, value);
        return new PluginCall(changed, input);
    }

    PluginCall without(String variable) {
        Map<String, String> changed = new TreeMap<>(environment);
        changed.remove(variable);
        return new PluginCall(changed, input);
    }

    PluginCall withInput(String text) {
        return withInput(text.getBytes(UTF_8));
    }

    PluginCall withInput(byte[] bytes) {
        return new PluginCall(environment, bytes);
    }

    /** This call with another configuration. */
    PluginCall configured(UnaryOperator<ObjectNode> change) {
        return withInput(change.apply(object(new String(input, UTF_8))).toString());
    }

    /** This call without a result of other plugins, as a plugin is called that is alone in its network. */
    PluginCall alone() {
        return configured(conf -> {
            conf.remove("prevResult");
            return conf;
        });
    }

    /** What the plugin's process sends to the agent for it. */
    AgentProtocol.Request request() {
        return new AgentProtocol.Request(environment, input);
    }

    @Override
    public String toString() {
        String text = new String(input, UTF_8);
        return environment + " and " + input.length + " bytes "
                + (text.length() > 2000 ? text.substring(0, 2000) + "..." : text);
    }

    private static ObjectNode object(String text) {
        try {
            return (ObjectNode) JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static JsonNode prevResult(Netns netns) {
        return object("""
                {"cniVersion": "1.1.0",
                 "interfaces": [{"name": "veth0"}, {"name": "eth0", "sandbox": "%s"}],
                 "ips": [{"interface": 1, "address": "%s/24", "gateway": "%s"}]}""".formatted(netns.path(), PodNetns.ADDRESS, PodNetns.GATEWAY));
    }
}
