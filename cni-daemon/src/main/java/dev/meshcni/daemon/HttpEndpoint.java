package dev.meshcni.daemon;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.Executors;

/** A port of the daemon that answers GET on a few pages. */
final class HttpEndpoint implements AutoCloseable {
    private static final int NO_BODY = -1;

    private final HttpServer server;

    private HttpEndpoint(HttpServer server) {
        this.server = server;
    }

    /**
     * Opens a port on all addresses.
     *
     * @param option the option that the port came from, for the error
     * @param port the port; 0 takes any that is free
     * @param pages what answers, by path
     * @throws DaemonException if the port cannot be opened
     */
    static HttpEndpoint open(String option, int port, Map<String, HttpHandler> pages) {
        try {
            HttpServer server = HttpServer.create(new InetSocketAddress(port), 0);
            pages.forEach((path, page) -> server.createContext(path, exchange -> serve(exchange, path, page)));
            server.setExecutor(Executors.newThreadPerTaskExecutor(
                    Thread.ofVirtual().name(option.substring(2)).factory()));
            server.start();
            return new HttpEndpoint(server);
        } catch (IOException e) {
            throw new DaemonException(
                    "port " + port + " of " + option + " cannot be opened: " + e.getMessage()
                            + " (another port can be given, 0 turns it off)",
                    e);
        }
    }

    /** Answers with a line of text. */
    static void text(HttpExchange exchange, int status, String line) throws IOException {
        answer(exchange, status, "text/plain; charset=utf-8", line);
    }

    /** Answers with a line of JSON. */
    static void json(HttpExchange exchange, String line) throws IOException {
        answer(exchange, 200, "application/json", line);
    }

    int port() {
        return server.getAddress().getPort();
    }

    @Override
    public void close() {
        server.stop(0);
    }

    private static void answer(HttpExchange exchange, int status, String type, String line) throws IOException {
        byte[] body = (line + "\n").getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", type);
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
    }

    private static void serve(HttpExchange exchange, String path, HttpHandler page) throws IOException {
        try (exchange) {
            if (!exchange.getRequestURI().getPath().equals(path)) {
                exchange.sendResponseHeaders(404, NO_BODY);
            } else if (!exchange.getRequestMethod().equals("GET")) {
                exchange.getResponseHeaders().set("Allow", "GET");
                exchange.sendResponseHeaders(405, NO_BODY);
            } else {
                page.handle(exchange);
            }
        }
    }
}
