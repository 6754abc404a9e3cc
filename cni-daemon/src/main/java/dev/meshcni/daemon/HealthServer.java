// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static java.util.Objects.requireNonNull;

import dev.meshcni.http.HttpAnswer;
import dev.meshcni.http.HttpEndpoint;
import dev.meshcni.http.HttpPage;
import dev.meshcni.http.HttpRefusal;
import dev.meshcni.http.PortUnavailableException;
import dev.meshcni.telemetry.AgentStatus;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The endpoints of the kubelet's probes: {@code /healthz} (the process lives) and {@code /readyz} (the node is served;
 * otherwise 503 with what is missing). What {@code meshcni doctor} asks: {@code /status}. The first needs no lock, no
 * disk and no thread but the port's own: the daemon is not restarted because of something else that hangs.
 */
final class HealthServer implements AutoCloseable {
    private final Supplier<Optional<String>> notReady;
    private final Supplier<AgentStatus> status;
    private final HttpEndpoint endpoint;

    private HealthServer(
            int port,
            Supplier<Optional<String>> notReady,
            Supplier<AgentStatus> status,
            Consumer<HttpRefusal> counter) {
        this.notReady = requireNonNull(notReady, "notReady is null");
        this.status = requireNonNull(status, "status is null");
        this.endpoint = HttpEndpoint.open(
                "--health-port",
                port,
                List.of(
                        HttpPage.atOnce("/healthz", _ -> HttpAnswer.text(200, "ok")),
                        HttpPage.working("/readyz", _ -> readiness()),
                        HttpPage.working(
                                AgentStatus.PATH,
                                _ -> HttpAnswer.json(this.status.get().json()))),
                counter);
    }

    /**
     * Opens the port.
     *
     * @param port the port; 0 takes any that is free
     * @param notReady why the daemon is not ready; empty when it is
     * @param status what the daemon says of its node
     * @param counter what counts those that are refused
     * @throws PortUnavailableException if the port cannot be opened
     */
    static HealthServer start(
            int port,
            Supplier<Optional<String>> notReady,
            Supplier<AgentStatus> status,
            Consumer<HttpRefusal> counter) {
        return new HealthServer(port, notReady, status, counter);
    }

    /** The port. */
    public int port() {
        return endpoint.port();
    }

    @Override
    public void close() {
        endpoint.close();
    }

    private HttpAnswer readiness() {
        Optional<String> missing = notReady.get();
        return HttpAnswer.text(missing.isEmpty() ? 200 : 503, missing.orElse("ready"));
    }
}
