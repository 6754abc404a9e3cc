// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.List;

/** The network namespace of a pod, entered on the node as root: for what no pod of the mesh may do itself. */
record PodNetwork(TestNamespace namespace, String pod) {
    PodNetwork {
        requireNonNull(namespace, "namespace is null");
        requireNonNull(pod, "pod is null");
    }

    String run(String... line) {
        List<String> entered = new ArrayList<>(List.of("nsenter", "--target", process(), "--net", "--"));
        entered.addAll(List.of(line));
        return namespace.cluster().machine().run(entered.toArray(String[]::new));
    }

    /** Removes all that a redirection consists of: the rules of iptables, and the source address of inbound IPv6. */
    void clear() {
        run("ip", "address", "del", "::6/128", "dev", "lo");
        for (String family : List.of("iptables", "ip6tables")) {
            for (String table : List.of("nat", "mangle", "raw")) {
                run(family, "-t", table, "-F");
                run(family, "-t", table, "-X");
            }
        }
    }

    private String process() {
        String container = Prober.app(namespace.pods().withName(pod).require())
                .orElseThrow()
                .getContainerID()
                .replaceFirst("^containerd://", "");
        return namespace
                .cluster()
                .machine()
                .containerd("tasks", "list")
                .lines()
                .map(line -> line.strip().split("\\s+", -1))
                .filter(task -> task[0].equals(container))
                .map(task -> task[1])
                .findFirst()
                .orElseThrow(() -> new AssertionError("containerd runs no container " + container));
    }
}
