// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.fabric8.mockwebserver.http.MockResponse;
import io.fabric8.mockwebserver.http.RecordedRequest;
import io.fabric8.mockwebserver.http.Response;
import io.fabric8.mockwebserver.http.WebSocket;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;

/** The HTTP side of an API server: answers come from elsewhere, watches are streams of lines. */
final class FakeFront implements AutoCloseable {
    /** Answers a request itself. */
    interface Handler {
        void handle(HttpExchange exchange) throws IOException;
    }

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final HttpServer server;

    FakeFront(Handler handler) throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 50);
        server.setExecutor(threads);
        server.createContext("/", exchange -> {
            try (exchange) {
                handler.handle(exchange);
            }
        });
        server.start();
    }

    int port() {
        return server.getAddress().getPort();
    }

    /** Sends an answer; one that would be a WebSocket as a stream of its messages. */
    static void send(HttpExchange exchange, RecordedRequest request, MockResponse response) throws IOException {
        if (response.getWebSocketListener() != null) {
            stream(exchange, request, response);
            return;
        }
        if (response.getBodyDelay() != null) {
            sleep(response.getBodyDelay().toMillis());
        }
        response.getHeaders()
                .toMultimap()
                .forEach((name, values) ->
                        values.forEach(value -> exchange.getResponseHeaders().add(name, value)));
        byte[] body =
                response.getBody() == null ? new byte[0] : response.getBody().getBytes();
        exchange.sendResponseHeaders(response.code(), body.length == 0 ? -1 : body.length);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(body);
        }
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }

    private static void stream(HttpExchange exchange, RecordedRequest request, MockResponse response)
            throws IOException {
        BlockingQueue<String> lines = new LinkedBlockingQueue<>();
        exchange.sendResponseHeaders(200, 0);
        response.getWebSocketListener().onOpen(new Lines(request, lines), (Response) response);
        try (OutputStream out = exchange.getResponseBody()) {
            while (true) {
                out.write((lines.take() + "\n").getBytes(StandardCharsets.UTF_8));
                out.flush();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void sleep(long millis) throws IOException {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private record Lines(RecordedRequest asked, BlockingQueue<String> lines) implements WebSocket {
        @Override
        public RecordedRequest request() {
            return asked;
        }

        @Override
        public boolean send(String text) {
            return lines.add(text);
        }

        @Override
        public boolean send(byte[] bytes) {
            return lines.add(new String(bytes, StandardCharsets.UTF_8));
        }

        @Override
        public boolean close(int code, String reason) {
            return true;
        }
    }
}
