package dev.meshcni.daemon;

import static java.util.Objects.requireNonNull;

import com.sun.net.httpserver.HttpExchange;
import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import java.io.IOException;
import java.util.Map;

/** What Prometheus scrapes: {@code /metrics}, in its text format or as OpenMetrics, as the request asks. */
public final class MetricsServer implements AutoCloseable {
    private static final int CHUNKED = 0;

    private final AgentMetrics metrics;
    private final HttpEndpoint endpoint;

    private MetricsServer(int port, AgentMetrics metrics) {
        this.metrics = metrics;
        this.endpoint = HttpEndpoint.open("--monitoring-port", port, Map.of("/metrics", this::scrape));
    }

    /**
     * Opens the port.
     *
     * @param port the port; 0 takes any that is free
     * @param metrics what is shown
     * @throws DaemonException if the port cannot be opened
     */
    public static MetricsServer start(int port, AgentMetrics metrics) {
        return new MetricsServer(port, requireNonNull(metrics, "metrics is null"));
    }

    /** The port. */
    public int port() {
        return endpoint.port();
    }

    @Override
    public void close() {
        endpoint.close();
    }

    private void scrape(HttpExchange exchange) throws IOException {
        ExpositionFormatWriter writer =
                metrics.writer(exchange.getRequestHeaders().getFirst("Accept"));
        exchange.getResponseHeaders().set("Content-Type", writer.getContentType());
        exchange.sendResponseHeaders(200, CHUNKED);
        metrics.write(writer, exchange.getResponseBody());
    }
}
