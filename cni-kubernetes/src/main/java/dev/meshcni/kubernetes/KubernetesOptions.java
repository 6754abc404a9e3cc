// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import dev.meshcni.config.DaemonException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The options that say how {@code install-cni} reaches the API server. */
public final class KubernetesOptions {
    @Option(
            names = {"--repair-node-name", "--node-name"},
            paramLabel = "NAME",
            defaultValue = "",
            description = "Name of this daemon's node; only its pods are watched.")
    private String nodeName;

    @Option(
            names = "--kubeconfig",
            paramLabel = "FILE",
            description = "kubeconfig file to use instead of the ServiceAccount of the daemon's pod.")
    private Path kubeconfig;

    @Option(
            names = "--api-request-timeout-seconds",
            paramLabel = "N",
            defaultValue = "10",
            description = "Timeout of a single API server request. Default: ${DEFAULT-VALUE}.")
    private int requestTimeoutSeconds;

    @Option(
            names = "--node-taint",
            arity = "0..1",
            paramLabel = "BOOL",
            fallbackValue = "true",
            defaultValue = "false",
            description = "Keep the taint cni.istio.io/not-ready on the node until the daemon is ready, and set it"
                    + " when it is not.")
    private boolean nodeTaint;

    /** For picocli, which fills it. */
    public KubernetesOptions() {}

    /**
     * The settings that the options give.
     *
     * @throws DaemonException if the node's name is missing
     */
    public KubernetesSettings settings() {
        return new KubernetesSettings(
                nodeName, Optional.ofNullable(kubeconfig), Duration.ofSeconds(requestTimeoutSeconds));
    }

    /** Returns whether the node carries a taint until the daemon is ready. */
    public boolean nodeTaint() {
        return nodeTaint;
    }
}
