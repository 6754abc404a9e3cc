// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import static java.util.Objects.requireNonNull;

import dev.meshcni.redirect.AmbientMetadata;
import dev.meshcni.redirect.Pod;
import dev.meshcni.rules.CutField;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A pod of this node as the API server last showed it: what the engine reads of it, and what repair has to know.
 *
 * @param pod what the engine reads
 * @param resourceVersion {@code metadata.resourceVersion}
 * @param stage how far its life has come
 * @param started whether a container of it has started, so that its network has been set up
 * @param crashes the init containers that have failed and have not succeeded since
 * @param proxyImage the image of its proxy; empty without a proxy
 * @param controller the UID of its controller, which makes a new pod when this one goes; empty without one
 * @param addresses {@code status.podIPs}; none before its network has been set up
 * @param selected whether the selectors of repair mean it
 * @param bare whether there was no room to keep what decides about it, so that it has to be asked for
 */
public record NodePod(
        Pod pod,
        String resourceVersion,
        Stage stage,
        boolean started,
        List<Crash> crashes,
        String proxyImage,
        String controller,
        List<InetAddress> addresses,
        boolean selected,
        boolean bare) {
    private static final int MAX_STATUS = 16;

    /** The stage of a pod's life. */
    public enum Stage {
        /** It runs or is to run. */
        LIVE,
        /** It is being deleted. */
        TERMINATING,
        /** All of its containers have ended for good. */
        FINISHED
    }

    /**
     * An init container that has failed.
     *
     * @param container its name
     * @param exitCode how its process ended
     * @param message its termination message, without space around it
     */
    public record Crash(String container, int exitCode, String message) {
        public Crash {
            requireNonNull(container, "container is null");
            requireNonNull(message, "message is null");
        }
    }

    public NodePod {
        requireNonNull(pod, "pod is null");
        requireNonNull(resourceVersion, "resourceVersion is null");
        requireNonNull(stage, "stage is null");
        crashes = List.copyOf(crashes);
        requireNonNull(proxyImage, "proxyImage is null");
        requireNonNull(controller, "controller is null");
        addresses = List.copyOf(addresses);
    }

    /**
     * Names the controller among those of all namespaces; empty without one. Whoever writes a pod writes its owners,
     * too, so that what stands there says something about pods of the same namespace only.
     */
    public String controllerKey() {
        return controller.isEmpty() ? "" : pod.namespace() + "/" + controller;
    }

    /** The size of the cached data, in characters. */
    long keptChars() {
        return Stream.of(
                        pod.labels().values().stream(),
                        pod.annotations().values().stream(),
                        pod.initContainers().stream().flatMap(NodePod::texts),
                        pod.containers().stream().flatMap(NodePod::texts),
                        crashes.stream().map(Crash::message),
                        Stream.of(proxyImage, pod.name(), pod.namespace(), pod.uid(), pod.serviceAccount(), controller))
                .flatMap(texts -> texts)
                .mapToLong(String::length)
                .sum();
    }

    private static Stream<String> texts(Pod.Container container) {
        return Stream.of(Stream.of(container.name()), container.args().stream(), container.env().values().stream())
                .flatMap(texts -> texts);
    }

    /** The same pod without what is only needed to decide about it, for which there was no room. */
    NodePod bare(CutField cut) {
        Pod bare = new Pod(
                pod.namespace(),
                pod.name(),
                pod.uid(),
                Map.of(),
                status(),
                pod.hostNetwork(),
                List.of(),
                List.of(),
                pod.staticUid(),
                pod.serviceAccount(),
                List.of(cut));
        return new NodePod(bare, resourceVersion, stage, started, List.of(), "", "", addresses, selected, true);
    }

    /** Which pods have to leave the ambient mesh, or stay in it, is known by this alone after a restart. */
    private Map<String, String> status() {
        String status = pod.annotations().getOrDefault(AmbientMetadata.REDIRECTION, "");
        return status.isEmpty() || status.length() > MAX_STATUS
                ? Map.of()
                : Map.of(AmbientMetadata.REDIRECTION, status);
    }

    /** {@code namespace/name}. */
    public String key() {
        return pod.qualifiedName();
    }
}
