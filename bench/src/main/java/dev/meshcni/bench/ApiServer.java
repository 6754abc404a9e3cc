package dev.meshcni.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodListBuilder;
import io.fabric8.mockwebserver.MockWebServer;
import io.fabric8.mockwebserver.http.Dispatcher;
import io.fabric8.mockwebserver.http.MockResponse;
import io.fabric8.mockwebserver.http.RecordedRequest;
import io.fabric8.mockwebserver.http.WebSocketListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.logging.Level;
import java.util.logging.Logger;

/** An API server on loopback with the pods of one node, which never change, and a count of the requests that it gets. */
final class ApiServer implements AutoCloseable {
    private static final Logger ALL_LOGGERS = Logger.getLogger("");

    private final MockWebServer server = new MockWebServer();
    private final AtomicLong requests = new AtomicLong();
    private final String pods;

    private ApiServer(String pods) {
        this.pods = pods;
    }

    static ApiServer start(List<Pod> pods) throws JsonProcessingException {
        // It logs every request.
        ALL_LOGGERS.setLevel(Level.WARNING);
        ApiServer api = new ApiServer(new JsonMapper()
                .writeValueAsString(new PodListBuilder()
                        .withNewMetadata()
                        .withResourceVersion(String.valueOf(pods.size()))
                        .endMetadata()
                        .withItems(pods)
                        .build()));
        api.server.setDispatcher(new Dispatcher() {
            @Override
            public MockResponse dispatch(RecordedRequest request) {
                return api.answer(request);
            }
        });
        api.server.start();
        return api;
    }

    /** How many requests it has got, of all kinds. */
    long requests() {
        return requests.get();
    }

    /** Writes a kubeconfig that leads to it. */
    Path kubeconfig(Path directory) throws IOException {
        return Files.writeString(directory.resolve("kubeconfig"), """
                apiVersion: v1
                kind: Config
                current-context: bench
                clusters: [{name: bench, cluster: {server: "http://127.0.0.1:%d"}}]
                users: [{name: bench, user: {}}]
                contexts: [{name: bench, context: {cluster: bench, user: bench}}]
                """.formatted(server.getPort()), UTF_8);
    }

    @Override
    public void close() throws IOException {
        server.close();
    }

    private MockResponse answer(RecordedRequest request) {
        requests.incrementAndGet();
        String path = request.getPath();
        if (!path.startsWith("/api/v1/pods?")) {
            return new MockResponse().setResponseCode(404);
        }
        return path.contains("watch=true")
                ? new MockResponse().withWebSocketUpgrade(new WebSocketListener() {})
                : new MockResponse()
                        .setResponseCode(200)
                        .setHeader("Content-Type", "application/json")
                        .setBody(pods);
    }
}
