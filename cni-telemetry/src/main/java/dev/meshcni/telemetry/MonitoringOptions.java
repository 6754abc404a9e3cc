// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.telemetry;

import dev.meshcni.config.DaemonException;
import java.util.OptionalInt;
import picocli.CommandLine.Option;

/** The ports on which {@code install-cni} says how it is; Istio's names and defaults. */
public final class MonitoringOptions {
    public static final int HEALTH_PORT = 8000;
    public static final int MONITORING_PORT = 15014;

    @Option(
            names = "--health-port",
            paramLabel = "PORT",
            description = {
                "Port of /healthz and /readyz; 0 disables it.",
                "Default: 8000; disabled with --pod-manifest-dir."
            })
    private Integer healthPort;

    @Option(
            names = "--monitoring-port",
            paramLabel = "PORT",
            description = {
                "Port of /metrics for Prometheus; 0 disables it.",
                "Default: 15014; disabled with --pod-manifest-dir."
            })
    private Integer monitoringPort;

    /** For picocli, which fills it. */
    public MonitoringOptions() {}

    /** The port of the probes; empty if it is off. */
    public OptionalInt healthPort(boolean inCluster) {
        return port("--health-port", healthPort, inCluster ? HEALTH_PORT : 0);
    }

    /** The port of the metrics; empty if it is off. */
    public OptionalInt monitoringPort(boolean inCluster) {
        return port("--monitoring-port", monitoringPort, inCluster ? MONITORING_PORT : 0);
    }

    private static OptionalInt port(String option, Integer given, int otherwise) {
        int port = given == null ? otherwise : given;
        if (port < 0 || port > 65_535) {
            throw new DaemonException(option + " " + port + " is not a valid port: must be 0 to 65535");
        }
        return port == 0 ? OptionalInt.empty() : OptionalInt.of(port);
    }
}
