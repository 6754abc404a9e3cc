package dev.meshcni.daemon;

import static java.util.Objects.requireNonNull;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * What the kubelet's probes ask: {@code /healthz} (the process lives) and {@code /readyz} (the node is served; otherwise
 * 503 with what is missing). What {@code meshcni doctor} asks: {@code /status}.
 */
final class HealthServer implements AutoCloseable {
    private final Supplier<Optional<String>> notReady;
    private final Supplier<AgentStatus> status;
    private final HttpEndpoint endpoint;

    private HealthServer(int port, Supplier<Optional<String>> notReady, Supplier<AgentStatus> status) {
        this.notReady = requireNonNull(notReady, "notReady is null");
        this.status = requireNonNull(status, "status is null");
        this.endpoint = HttpEndpoint.open(
                "--health-port",
                port,
                Map.of(
                        "/healthz",
                        exchange -> HttpEndpoint.text(exchange, 200, "ok"),
                        "/readyz",
                        this::readiness,
                        AgentStatus.PATH,
                        this::status));
    }

    /**
     * Opens the port.
     *
     * @param port the port; 0 takes any that is free
     * @param notReady why the daemon is not ready; empty when it is
     * @param status what the daemon says of its node
     * @throws DaemonException if the port cannot be opened
     */
    static HealthServer start(int port, Supplier<Optional<String>> notReady, Supplier<AgentStatus> status) {
        return new HealthServer(port, notReady, status);
    }

    /** The port. */
    public int port() {
        return endpoint.port();
    }

    @Override
    public void close() {
        endpoint.close();
    }

    private void readiness(HttpExchange exchange) throws IOException {
        Optional<String> missing = notReady.get();
        HttpEndpoint.text(exchange, missing.isEmpty() ? 200 : 503, missing.orElse("ready"));
    }

    private void status(HttpExchange exchange) throws IOException {
        HttpEndpoint.json(exchange, status.get().json());
    }
}
