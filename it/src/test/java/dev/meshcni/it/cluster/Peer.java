// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import static java.util.Objects.requireNonNull;

import io.fabric8.kubernetes.api.model.PodIP;
import io.fabric8.kubernetes.api.model.PodStatus;
import java.util.List;

/**
 * A pod outside the mesh that counts what reaches it. Nobody has a reason to send it a packet except applications whose
 * connections are not redirected: {@code app → peer} instead of {@code app → REDIRECT 15001 → proxy}.
 */
final class Peer {
    static final int PORT = 8080;

    private static final String NAME = "peer";
    private static final String SERVE =
            "exec nc -ll -p " + PORT + " -e sh -c 'read name; echo \"$name\" >> /names; echo " + Pods.WORLD + "'";

    private final TestNamespace namespace;
    private final List<String> addresses;
    private final String node;
    private Seen before = Seen.NOTHING;

    private Peer(TestNamespace namespace, List<String> addresses, String node) {
        this.namespace = requireNonNull(namespace, "namespace is null");
        this.addresses = List.copyOf(addresses);
        this.node = requireNonNull(node, "node is null");
    }

    /**
     * What has arrived.
     *
     * @param segments TCP segments, by the kernel's count in the pod's network namespace; a SYN is one
     * @param names who has made a connection, by its own word
     */
    record Seen(long segments, List<String> names) {
        static final Seen NOTHING = new Seen(0, List.of());

        Seen {
            names = List.copyOf(names);
        }
    }

    static Peer start(TestNamespace namespace) {
        PodStatus status = namespace.start(Pods.plain(NAME, SERVE)).getStatus();
        List<String> addresses = status.getPodIPs().stream().map(PodIP::getIp).toList();
        return new Peer(namespace, addresses, status.getHostIP());
    }

    /** Its address, or both of them. */
    List<String> addresses() {
        return addresses;
    }

    /** The address of its node. */
    String node() {
        return node;
    }

    String address() {
        return addresses.getFirst();
    }

    /** Who answers to an application that connects to this pod, once somebody does. */
    String answerTo(String pod) {
        return answerTo(pod, address());
    }

    String answerTo(String pod, String address) {
        String[] word = {""};
        namespace
                .cluster()
                .eventually(
                        "somebody answers to " + pod,
                        () -> namespace
                                .answer(pod, address)
                                .map(answer -> word[0] = answer)
                                .isPresent());
        return word[0];
    }

    /** Ignores what has arrived so far. */
    void forget() {
        before = all();
    }

    /** What has arrived since. */
    Seen seen() {
        Seen now = all();
        return new Seen(
                now.segments - before.segments,
                now.names.subList(before.names.size(), now.names.size()).stream()
                        .distinct()
                        .toList());
    }

    private Seen all() {
        List<String> tcp =
                namespace.exec(NAME, "grep ^Tcp: /proc/net/snmp").lines().toList();
        int column = List.of(tcp.getFirst().split(" ", -1)).indexOf("InSegs");
        return new Seen(
                Long.parseLong(tcp.getLast().split(" ", -1)[column]),
                namespace.exec(NAME, "cat /names 2>/dev/null").lines().toList());
    }
}
