package dev.meshcni.daemon;

import static java.util.Objects.requireNonNull;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * What the kubelet's probes ask: {@code /healthz} (the process lives) and {@code /readyz} (the node is served; otherwise
 * 503 with what is missing).
 */
public final class HealthServer implements AutoCloseable {
    private final Supplier<Optional<String>> notReady;
    private final HttpEndpoint endpoint;

    private HealthServer(int port, Supplier<Optional<String>> notReady) {
        this.notReady = notReady;
        this.endpoint = HttpEndpoint.open(
                "--health-port",
                port,
                Map.of("/healthz", exchange -> HttpEndpoint.text(exchange, 200, "ok"), "/readyz", this::readiness));
    }

    /**
     * Opens the port.
     *
     * @param port the port; 0 takes any that is free
     * @param notReady why the daemon is not ready; empty when it is
     * @throws DaemonException if the port cannot be opened
     */
    public static HealthServer start(int port, Supplier<Optional<String>> notReady) {
        return new HealthServer(port, requireNonNull(notReady, "notReady is null"));
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
}
