// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static java.util.Objects.requireNonNull;

import dev.meshcni.http.HttpAnswer;
import dev.meshcni.http.HttpEndpoint;
import dev.meshcni.http.HttpPage;
import dev.meshcni.http.HttpRequest;
import dev.meshcni.http.PortUnavailableException;
import dev.meshcni.telemetry.AgentMetrics;
import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;

/** The endpoint {@code /metrics} for Prometheus, in the text format or as OpenMetrics, as requested. */
public final class MetricsServer implements AutoCloseable {
    private final AgentMetrics metrics;
    private final HttpEndpoint endpoint;

    private MetricsServer(int port, AgentMetrics metrics) {
        this.metrics = metrics;
        this.endpoint = HttpEndpoint.open(
                "--monitoring-port",
                port,
                List.of(HttpPage.working("/metrics", this::scrape)),
                metrics.httpRefusals("monitoring"));
    }

    /**
     * Opens the port.
     *
     * @param port the port; 0 takes any that is free
     * @param metrics what is shown
     * @throws PortUnavailableException if the port cannot be opened
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

    private HttpAnswer scrape(HttpRequest request) throws IOException {
        ExpositionFormatWriter writer = metrics.writer(request.accept().orElse(""));
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        metrics.write(writer, text);
        return HttpAnswer.of(200, writer.getContentType(), text.toByteArray());
    }
}
