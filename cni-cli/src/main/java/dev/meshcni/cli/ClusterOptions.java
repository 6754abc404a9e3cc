package dev.meshcni.cli;

import dev.meshcni.doctor.ClusterSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The options of {@code meshcni doctor} that look at a cluster instead of a node. */
final class ClusterOptions {
    /** The form of a report. */
    enum Output {
        text,
        json
    }

    @Option(
            names = "--cluster",
            required = true,
            description = "Look at the cluster, through its API server and with your own rights, instead of this node.")
    private boolean cluster;

    @Option(
            names = "--kubeconfig",
            paramLabel = "FILE",
            description =
                    "How to reach the API server. Default: KUBECONFIG, or ~/.kube/config, or the pod's ServiceAccount.")
    private Path kubeconfig;

    @Option(
            names = "--context",
            paramLabel = "NAME",
            description = "A context of the kubeconfig. Default: its current one.")
    private String context;

    @Option(
            names = "--namespace",
            paramLabel = "NAMESPACE",
            description = "The namespace of the DaemonSet istio-cni-node. Default: the one where it is found.")
    private String namespace;

    @Option(
            names = "--request-timeout-seconds",
            paramLabel = "N",
            defaultValue = "10",
            description = "How long one request to the API server may take. Default: ${DEFAULT-VALUE}.")
    private int requestTimeoutSeconds;

    @Option(
            names = "--output",
            paramLabel = "FORMAT",
            defaultValue = "text",
            description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private Output output;

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

    Output output() {
        return output;
    }
}
