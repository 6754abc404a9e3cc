// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import dev.meshcni.config.DaemonException;
import dev.meshcni.doctor.ClusterSettings;
import dev.meshcni.doctor.ClusterStatus;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Shows the state of an installation on one screen. */
@Command(
        name = "status",
        description = {
            "Show the state of the installation in the cluster: the DaemonSet, and each node with its daemon.",
            "Read-only. For the causes of problems and their remedies: meshcni doctor --cluster."
        },
        exitCodeList = {"0:all daemons are ready", "1:some are not, or the cluster cannot be read", "2:usage error"},
        footerHeading = "%nExamples:%n",
        footer = {"  meshcni status", "  meshcni status --wait --timeout-seconds 120", "  meshcni status -o json"})
final class StatusCommand implements Callable<Integer> {
    private static final Duration PAUSE = Duration.ofSeconds(2);

    @Mixin
    private OutputOption output;

    @Option(names = "--wait", description = "Wait until all daemons are ready, then print the state.")
    private boolean waits;

    @Option(
            names = "--timeout-seconds",
            paramLabel = "N",
            defaultValue = "300",
            description = "The longest that --wait waits. Default: ${DEFAULT-VALUE}.")
    private int timeoutSeconds;

    @Option(
            names = {"-n", "--namespace"},
            paramLabel = "NAMESPACE",
            description = "Namespace of the DaemonSet istio-cni-node. Default: all namespaces are searched.")
    private String namespace;

    @Mixin
    private KubeconfigOptions cluster;

    @Option(
            names = "--request-timeout-seconds",
            paramLabel = "N",
            defaultValue = "10",
            description = "Timeout of a single API server request. Default: ${DEFAULT-VALUE}.")
    private int requestTimeoutSeconds;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws InterruptedException {
        ClusterSettings settings = new ClusterSettings(
                cluster.kubeconfig(),
                cluster.context(),
                Optional.ofNullable(namespace),
                Duration.ofSeconds(requestTimeoutSeconds));
        ClusterStatus status = waits ? awaited(settings) : ClusterStatus.read(settings);
        PrintWriter out = spec.commandLine().getOut();
        out.print(
                switch (output.form()) {
                    case text -> StatusFormat.text(status);
                    case json -> StatusFormat.json(status);
                });
        out.flush();
        return status.isReady() ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    }

    /** The state once all is ready, or when the time is over; an API server that is away for a while is asked again. */
    private ClusterStatus awaited(ClusterSettings settings) throws InterruptedException {
        long start = System.nanoTime();
        String shown = "";
        while (true) {
            boolean last = System.nanoTime() - start >= TimeUnit.SECONDS.toNanos(timeoutSeconds);
            String progress;
            try {
                ClusterStatus status = ClusterStatus.read(settings);
                if (status.isReady() || last) {
                    return status;
                }
                progress = StatusFormat.progress(status);
            } catch (DaemonException e) {
                if (last) {
                    throw e;
                }
                progress = e.getMessage();
            }
            if (!progress.equals(shown)) {
                spec.commandLine().getErr().println("waiting: " + progress);
                shown = progress;
            }
            Thread.sleep(PAUSE);
        }
    }
}
