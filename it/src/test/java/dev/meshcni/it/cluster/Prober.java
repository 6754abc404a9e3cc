// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * An application that connects from its first instruction on, again and again, and ends as soon as one connection is
 * not redirected: with redirection each of them is answered by the proxy, or refused as long as that does not listen.
 * The last one goes to the kubelet of the pod's own node, which answers in another way, whether the peer runs or not.
 */
final class Prober {
    private static final int BYPASSED = 7;
    private static final int KUBELET = 10250;

    private Prober() {}

    /** The script for a pod of a name. */
    static String script(String name, Peer peer) {
        List<String> places = new ArrayList<>();
        peer.addresses().forEach(address -> places.add(address + "/" + Peer.PORT));
        places.add(peer.node() + "/" + KUBELET);
        return """
                n=0
                while :; do
                  for place in %s; do
                    said=$(echo %s | nc -w 10 ${place%%/*} ${place##*/} 2>&1)
                    case $said in
                      *%s*|*refused*) ;;
                      *) echo "$place: $said" >/dev/termination-log; exit %d ;;
                    esac
                  done
                  n=$((n+1))
                  [ $n -lt 30 ] || sleep 1
                done
                """.formatted(String.join(" ", places), name, Pods.PROXY, BYPASSED);
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

    /** Whether the application of a pod runs, and began to after a point of time. */
    static boolean startedAfter(Pod pod, Instant time) {
        return app(pod).map(app -> app.getState().getRunning())
                .filter(running ->
                        OffsetDateTime.parse(running.getStartedAt()).toInstant().isAfter(time))
                .isPresent();
    }

    /** The application's container, once the kubelet knows of it. */
    static Optional<ContainerStatus> app(Pod pod) {
        return pod.getStatus().getContainerStatuses().stream()
                .filter(container -> container.getName().equals(Pods.APP))
                .findFirst();
    }
}
