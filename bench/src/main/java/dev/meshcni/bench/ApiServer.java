// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodList;
import io.fabric8.kubernetes.api.model.PodListBuilder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;

/**
 * An API server on loopback with the pods of one node, which never change, as a list and each alone, and a count of the
 * requests that it gets for something else than its watch and its permissions.
 */
final class ApiServer implements AutoCloseable {
    /** An agent looks once a minute whether it still has its permissions. */
    private static final String REVIEW = "/selfsubjectaccessreviews";

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final AtomicLong requests = new AtomicLong();
    private final CountDownLatch end = new CountDownLatch(1);
    private final HttpServer server;
    private final byte[] list;
    private final Map<String, byte[]> pods = new HashMap<>();

    private ApiServer(HttpServer server, List<Pod> pods) throws JsonProcessingException {
        this.server = server;
        this.list = json(list(pods));
        for (Pod pod : pods) {
            this.pods.put(
                    "/api/v1/namespaces/" + pod.getMetadata().getNamespace() + "/pods/"
                            + pod.getMetadata().getName(),
                    json(pod));
        }
        server.setExecutor(threads);
        server.createContext("/", this::answer);
        server.start();
    }

    static ApiServer start(List<Pod> pods) throws IOException {
        return new ApiServer(HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0), pods);
    }

    private static PodList list(List<Pod> pods) {
        return new PodListBuilder()
                .withNewMetadata()
                .withResourceVersion(String.valueOf(pods.size()))
                .endMetadata()
                .withItems(pods)
                .build();
    }

    private static byte[] json(Object object) throws JsonProcessingException {
        return new JsonMapper().writeValueAsBytes(object);
    }

    /** The number of requests so far, but for those that an agent makes from time to time, with ADDs or without. */
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
            String path = exchange.getRequestURI().toString();
            byte[] pod = pods.get(path);
            boolean ofWatch = path.startsWith("/api/v1/pods?");
            if (!ofWatch && !path.endsWith(REVIEW)) {
                requests.incrementAndGet();
            }
            if (pod == null && !ofWatch) {
                exchange.sendResponseHeaders(404, -1);
                return;
            }
            exchange.getResponseHeaders().add("Content-Type", "application/json");
            if (path.contains("watch=true")) {
                exchange.sendResponseHeaders(200, 0);
                exchange.getResponseBody().flush();
                end.await();
            } else {
                byte[] answer = pod == null ? list : pod;
                exchange.sendResponseHeaders(200, answer.length);
                exchange.getResponseBody().write(answer);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
