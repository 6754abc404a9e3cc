package dev.meshcni.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodListBuilder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;

/** An API server on loopback with the pods of one node, which never change, and a count of the requests that it gets. */
final class ApiServer implements AutoCloseable {
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final AtomicLong requests = new AtomicLong();
    private final CountDownLatch end = new CountDownLatch(1);
    private final HttpServer server;
    private final byte[] pods;

    private ApiServer(HttpServer server, String pods) {
        this.server = server;
        this.pods = pods.getBytes(UTF_8);
        server.setExecutor(threads);
        server.createContext("/", this::answer);
        server.start();
    }

    static ApiServer start(List<Pod> pods) throws IOException {
        return new ApiServer(
                HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0), json(pods));
    }

    private static String json(List<Pod> pods) throws JsonProcessingException {
        return new JsonMapper()
                .writeValueAsString(new PodListBuilder()
                        .withNewMetadata()
                        .withResourceVersion(String.valueOf(pods.size()))
                        .endMetadata()
                        .withItems(pods)
                        .build());
    }

    /** How many requests it has got, of all kinds. */
    long requests() {
        return requests.get();
    }

    /** Writes a kubeconfig that leads to it. */
    Path kubeconfig(Path directory) throws IOException {
        return Files.writeString(
                directory.resolve("kubeconfig"),
                """
                apiVersion: v1
                kind: Config
                current-context: bench
                clusters: [{name: bench, cluster: {server: "http://127.0.0.1:%d"}}]
                users: [{name: bench, user: {}}]
                contexts: [{name: bench, context: {cluster: bench, user: bench}}]
                """.formatted(server.getAddress().getPort()),
                UTF_8);
    }

    @Override
    public void close() {
        end.countDown();
        server.stop(0);
        threads.shutdownNow();
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            requests.incrementAndGet();
            String path = exchange.getRequestURI().toString();
            if (!path.startsWith("/api/v1/pods?")) {
                exchange.sendResponseHeaders(404, -1);
                return;
            }
            exchange.getResponseHeaders().add("Content-Type", "application/json");
            if (path.contains("watch=true")) {
                exchange.sendResponseHeaders(200, 0);
                exchange.getResponseBody().flush();
                end.await();
            } else {
                exchange.sendResponseHeaders(200, pods.length);
                exchange.getResponseBody().write(pods);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
