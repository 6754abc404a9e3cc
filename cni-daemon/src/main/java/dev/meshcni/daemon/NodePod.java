package dev.meshcni.daemon;

import static java.util.Objects.requireNonNull;

import dev.meshcni.core.Pod;
import java.util.List;

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
 * @param selected whether the selectors of repair mean it
 */
record NodePod(
        Pod pod,
        String resourceVersion,
        Stage stage,
        boolean started,
        List<Crash> crashes,
        String proxyImage,
        String controller,
        boolean selected) {
    /** How far a pod's life has come. */
    enum Stage {
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
    record Crash(String container, int exitCode, String message) {
        Crash {
            requireNonNull(container, "container is null");
            requireNonNull(message, "message is null");
        }
    }

    NodePod {
        requireNonNull(pod, "pod is null");
        requireNonNull(resourceVersion, "resourceVersion is null");
        requireNonNull(stage, "stage is null");
        crashes = List.copyOf(crashes);
        requireNonNull(proxyImage, "proxyImage is null");
        requireNonNull(controller, "controller is null");
    }

    /**
     * Names the controller among those of all namespaces; empty without one. Whoever writes a pod writes its owners, too, so that what
     * stands there says something about pods of the same namespace only.
     */
    String controllerKey() {
        return controller.isEmpty() ? "" : pod.namespace() + "/" + controller;
    }

    /** {@code namespace/name}. */
    String key() {
        return pod.qualifiedName();
    }
}
