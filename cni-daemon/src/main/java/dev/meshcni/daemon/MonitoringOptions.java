package dev.meshcni.daemon;

import java.util.OptionalInt;
import picocli.CommandLine.Option;

/** The ports on which {@code install-cni} says how it is; Istio's names and defaults. */
final class MonitoringOptions {
    @Option(
            names = "--health-port",
            paramLabel = "PORT",
            defaultValue = "8000",
            description = "Port of /healthz and /readyz; 0 turns it off. Default: ${DEFAULT-VALUE}.")
    private int healthPort;

    @Option(
            names = "--monitoring-port",
            paramLabel = "PORT",
            defaultValue = "15014",
            description = "Port of /metrics for Prometheus; 0 turns it off. Default: ${DEFAULT-VALUE}.")
    private int monitoringPort;

    OptionalInt healthPort() {
        return unlessOff("--health-port", healthPort);
    }

    OptionalInt monitoringPort() {
        return unlessOff("--monitoring-port", monitoringPort);
    }

    private static OptionalInt unlessOff(String option, int port) {
        if (port < 0 || port > 65_535) {
            throw new DaemonException(option + " " + port + " is not a port: 0 to 65535 is allowed");
        }
        return port == 0 ? OptionalInt.empty() : OptionalInt.of(port);
    }
}
