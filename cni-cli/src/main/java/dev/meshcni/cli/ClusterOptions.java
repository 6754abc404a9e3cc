// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import dev.meshcni.doctor.ClusterSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The options of {@code meshcni doctor} to examine a cluster instead of a node. */
final class ClusterOptions {
    @Option(
            names = "--cluster",
            required = true,
            description =
                    "Examine the cluster through its API server, with your own permissions, instead of this node.")
    private boolean cluster;

    @Option(
            names = "--kubeconfig",
            paramLabel = "FILE",
            description = "The kubeconfig file to use. Default: KUBECONFIG, else ~/.kube/config, else the pod's"
                    + " ServiceAccount.")
    private Path kubeconfig;

    @Option(
            names = "--context",
            paramLabel = "NAME",
            description = "The kubeconfig context to use. Default: the current context.")
    private String context;

    @Option(
            names = {"-n", "--namespace"},
            paramLabel = "NAMESPACE",
            description = "Namespace of the DaemonSet istio-cni-node. Default: all namespaces are searched.")
    private String namespace;

    @Option(
            names = "--request-timeout-seconds",
            paramLabel = "N",
            defaultValue = "10",
            description = "Timeout of a single API server request. Default: ${DEFAULT-VALUE}.")
    private int requestTimeoutSeconds;

    boolean wanted() {
        return cluster;
    }

    ClusterSettings settings() {
        return new ClusterSettings(
                Optional.ofNullable(kubeconfig),
                Optional.ofNullable(context),
                Optional.ofNullable(namespace),
                Duration.ofSeconds(requestTimeoutSeconds));
    }
}
