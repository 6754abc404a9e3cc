// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import static java.util.Objects.requireNonNull;

import java.util.List;

/**
 * A pod that calls a web server some ten times a second, by each of its addresses and with a new connection each time,
 * and writes down every answer.
 */
record Calls(TestNamespace namespace, String pod) {
    private static final int A_ROUND = 5;

    Calls {
        requireNonNull(namespace, "namespace is null");
        requireNonNull(pod, "pod is null");
    }

    /**
     * What became of the calls so far.
     *
     * @param made how many there were
     * @param failures those without the answer that was due, and what was said instead
     */
    record Figures(long made, List<String> failures) {
        Figures {
            failures = List.copyOf(failures);
        }

        String text() {
            return made + " calls, " + failures.size() + " of them failed";
        }
    }

    /** Starts calling these addresses from a new pod. */
    static Calls start(TestNamespace namespace, String pod, List<String> addresses) {
        String urls = String.join(" ", addresses.stream().map(Calls::url).toList());
        namespace.start(Pods.calling(pod, """
                while :; do
                  for url in %s; do
                    said=$(timeout 60 wget -q -O - $url 2>&1)
                    [ "$said" = %s ] && echo ok || echo $(date +%%T) $url: $said
                    usleep 50000
                  done
                done
                """.formatted(urls, Pods.WORLD)));
        return new Calls(namespace, pod);
    }

    static String url(String address) {
        return "http://" + (address.contains(":") ? "[" + address + "]" : address) + ":" + Peer.PORT + "/";
    }

    Figures figures() {
        List<String> lines = namespace.pods().withName(pod).getLog().lines().toList();
        return new Figures(
                lines.size(), lines.stream().filter(line -> !line.equals("ok")).toList());
    }

    /** Waits until some more calls have been made. */
    void awaitMore() {
        long before = figures().made();
        namespace.cluster().eventually("calls are made", () -> figures().made() >= before + A_ROUND);
    }
}
