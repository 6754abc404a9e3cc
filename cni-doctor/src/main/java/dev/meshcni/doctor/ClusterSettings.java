// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import static java.util.Objects.requireNonNull;

import dev.meshcni.config.DaemonException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * The cluster that {@code meshcni doctor} examines.
 *
 * @param kubeconfig a kubeconfig file; empty for the usual one
 * @param context a context of the kubeconfig; empty for its current one
 * @param namespace the namespace of the DaemonSet {@code istio-cni-node}; empty for the one where it is found
 * @param requestTimeout how long one request may take
 */
public record ClusterSettings(
        Optional<Path> kubeconfig, Optional<String> context, Optional<String> namespace, Duration requestTimeout) {
    public ClusterSettings {
        requireNonNull(kubeconfig, "kubeconfig is null");
        requireNonNull(context, "context is null");
        requireNonNull(namespace, "namespace is null");
        requireNonNull(requestTimeout, "requestTimeout is null");
        if (!requestTimeout.isPositive()) {
            throw new DaemonException(
                    "--request-timeout-seconds must be at least 1, not " + requestTimeout.toSeconds());
        }
    }
}
