// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import static java.util.Objects.requireNonNull;

import dev.meshcni.config.DaemonException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * How the API server is reached, and for which node.
 *
 * @param nodeName the node whose pods are watched
 * @param kubeconfig a kubeconfig file; empty for the service account of the daemon's own pod, whose token is read anew
 *     when the kubelet has rotated it
 * @param requestTimeout how long one request may take
 */
public record KubernetesSettings(String nodeName, Optional<Path> kubeconfig, Duration requestTimeout) {
    /** The default timeout of a request. */
    public static final Duration DEFAULT_REQUEST_TIMEOUT = Duration.ofSeconds(10);

    public KubernetesSettings {
        requireNonNull(nodeName, "nodeName is null");
        requireNonNull(kubeconfig, "kubeconfig is null");
        requireNonNull(requestTimeout, "requestTimeout is null");
        if (nodeName.isBlank()) {
            throw new DaemonException("node name not set: set --repair-node-name, or the environment variable"
                    + " REPAIR_NODE_NAME or NODE_NAME (in a DaemonSet from the field spec.nodeName)");
        }
    }
}
