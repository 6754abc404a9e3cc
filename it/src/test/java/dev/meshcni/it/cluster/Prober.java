// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * An application that connects from its first instruction on, again and again, and ends as soon as one connection is
 * not redirected: with redirection each of them is answered by the proxy, or refused as long as that does not listen.
 * The last addresses are of nobody (RFC 5737, RFC 3849): a connection to them is answered if it is redirected, whether
 * the peer runs or not.
 */
final class Prober {
    private static final int BYPASSED = 7;

    private Prober() {}

    /** The script for a pod of a name. */
    static String script(String name, Peer peer) {
        List<String> addresses = new ArrayList<>(peer.addresses());
        addresses.add("192.0.2.1");
        if (peer.addresses().size() > 1) {
            addresses.add("2001:db8::1");
        }
        return """
                n=0
                while :; do
                  for address in %s; do
                    said=$(echo %s | nc -w 10 $address %d 2>&1)
                    case $said in
                      *%s*|*refused*) ;;
                      *) echo "$address: $said" >/dev/termination-log; exit %d ;;
                    esac
                  done
                  n=$((n+1))
                  [ $n -lt 30 ] || sleep 1
                done
                """.formatted(String.join(" ", addresses), name, Peer.PORT, Pods.PROXY, BYPASSED);
    }

    /** How a connection of this pod was not redirected, if one was not. */
    static Optional<String> bypass(Pod pod) {
        return app(pod).stream()
                .flatMap(app -> Stream.of(app.getState(), app.getLastState()))
                .filter(state -> state != null && state.getTerminated() != null)
                .map(ContainerState::getTerminated)
                .filter(end -> end.getExitCode() == BYPASSED)
                .map(end -> pod.getMetadata().getName() + " → "
                        + String.valueOf(end.getMessage()).strip())
                .findFirst();
    }

    /** The application's container, once the kubelet knows of it. */
    static Optional<ContainerStatus> app(Pod pod) {
        return pod.getStatus().getContainerStatuses().stream()
                .filter(container -> container.getName().equals(Pods.APP))
                .findFirst();
    }
}
