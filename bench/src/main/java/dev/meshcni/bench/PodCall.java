// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meshcni.core.AgentProtocol;
import java.nio.file.Path;
import java.util.Map;

/**
 * What a container runtime calls plugins with for one sandbox.
 *
 * @param sandbox the container ID
 * @param pod the pod's name; its namespace is {@code bench}
 */
record PodCall(String sandbox, String pod, PodNamespace namespace) {
    /** The variables. */
    Map<String, String> environment(String verb) {
        return Map.of(
                "CNI_COMMAND",
                verb,
                "CNI_CONTAINERID",
                sandbox,
                "CNI_NETNS",
                namespace.path().toString(),
                "CNI_IFNAME",
                "eth0",
                "CNI_PATH",
                "/opt/cni/bin",
                "CNI_ARGS",
                "IgnoreUnknown=1;K8S_POD_NAMESPACE=bench;K8S_POD_NAME=" + pod + ";K8S_POD_UID=" + ClusterPod.uid(pod));
    }

    /** The standard input of a chained plugin of {@code type}. */
    byte[] config(String type, Agent agent) {
        return config(type, agent.runDirectory());
    }

    /** The standard input of a chained plugin of {@code type} that finds what it needs in a run directory. */
    byte[] config(String type, Path runDirectory) {
        return """
                {"cniVersion":"1.0.0","name":"bench","type":"%s","cni_agent_run_dir":"%s",
                 "exclude_namespaces":["kube-system"],"pod_namespace":"istio-system",
                 "prevResult":{"cniVersion":"1.0.0",
                  "interfaces":[{"name":"eth0","mac":"0a:58:0a:fa:00:02","sandbox":"%s"}],
                  "ips":[{"address":"10.250.0.2/24","gateway":"10.250.0.1","interface":0}]}}
                """.formatted(type, runDirectory, namespace.path()).getBytes(UTF_8);
    }

    /** The request that istio-cni makes of it for the agent. */
    AgentProtocol.Request request(String verb, Agent agent) {
        return new AgentProtocol.Request(environment(verb), config("istio-cni", agent));
    }
}
