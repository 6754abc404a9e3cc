// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.dist;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.file.Path;
import java.util.Map;

/** What a container runtime calls the plugin with. */
final class TrainingInput {
    private TrainingInput() {}

    static Map<String, String> environment(String verb) {
        return Map.of(
                "CNI_COMMAND", verb,
                "CNI_CONTAINERID", "training",
                "CNI_NETNS", "/var/run/netns/training",
                "CNI_IFNAME", "eth0",
                "CNI_PATH", "/opt/cni/bin",
                "CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAMESPACE=training;K8S_POD_NAME=training");
    }

    static byte[] config(Path runDirectory) {
        return """
                {"cniVersion":"1.1.0","name":"training","type":"istio-cni","plugin_log_level":"info",
                 "cni_agent_run_dir":"%s","exclude_namespaces":["kube-system"],"pod_namespace":"istio-system",
                 "prevResult":{"cniVersion":"1.1.0",
                  "interfaces":[{"name":"eth0","sandbox":"/var/run/netns/training"}],
                  "ips":[{"address":"10.244.0.7/24","gateway":"10.244.0.1","interface":0}]}}
                """.formatted(runDirectory).getBytes(UTF_8);
    }
}
