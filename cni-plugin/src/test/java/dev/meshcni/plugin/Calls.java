// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import dev.meshcni.core.AgentProtocol;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** Calls of the plugin, as a runtime makes them, for tests. */
final class Calls {
    static final String NETNS = "/var/run/netns/test";
    static final String PREV_RESULT = """
            {"cniVersion":"1.1.0","interfaces":[{"name":"veth1"},{"name":"eth0","sandbox":"/var/run/netns/test"}],\
            "ips":[{"interface":1,"address":"10.1.0.5/24","gateway":"10.1.0.1"}],"x-kept":{"z":1,"a":2}}""";

    private Calls() {}

    static Map<String, String> environment(String command, String namespace, String pod) {
        Map<String, String> environment = new LinkedHashMap<>();
        environment.put("CNI_COMMAND", command);
        environment.put("CNI_CONTAINERID", "0123456789abcdef");
        environment.put("CNI_NETNS", NETNS);
        environment.put("CNI_IFNAME", "eth0");
        environment.put("CNI_PATH", "/opt/cni/bin");
        environment.put("CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAMESPACE=" + namespace + ";K8S_POD_NAME=" + pod);
        return environment;
    }

    static byte[] config(String more) {
        return ("{\"cniVersion\":\"1.1.0\",\"name\":\"net\",\"type\":\"istio-cni\",\"prevResult\":" + PREV_RESULT + more
                        + "}")
                .getBytes(StandardCharsets.UTF_8);
    }

    static String text(AgentProtocol.Reply reply) {
        return new String(reply.stdout(), StandardCharsets.UTF_8);
    }
}
