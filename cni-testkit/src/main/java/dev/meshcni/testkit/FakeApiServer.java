// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit;

import com.sun.net.httpserver.HttpExchange;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.server.mock.KubernetesCrudDispatcher;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.fabric8.mockwebserver.dsl.HttpMethod;
import io.fabric8.mockwebserver.http.Buffer;
import io.fabric8.mockwebserver.http.Headers;
import io.fabric8.mockwebserver.http.MockResponse;
import io.fabric8.mockwebserver.http.RecordedRequest;
import io.fabric8.mockwebserver.http.Response;
import io.fabric8.mockwebserver.http.WebSocket;
import io.fabric8.mockwebserver.http.WebSocketListener;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/**
 * fabric8's API server for tests, behind a link that can be cut, with what it lacks: the field selector for the node,
 * watches that start at a version, preconditions of deletions, evictions, and faults by order.
 */
@SuppressWarnings("exports") // The module exports no test; others find this on the class path.
public final class FakeApiServer implements AutoCloseable {
    /** The node whose pods are watched. */
    public static final String NODE = "node-a";

    /** The daemon's token, unless a test gives it another one. */
    public static final String TOKEN = "first-token";

    /** Stands in for the field selector {@code spec.nodeName}, which fabric8's server does not know. */
    private static final String NODE_LABEL = "test/node";

    private static final int BACKLOG = 50;

    /** One request as it came. */
    public record Call(String method, String path, String token, String body) {
        public boolean isWatch() {
            return path.contains("watch=true");
        }

        public boolean isWatchOfPods() {
            return isWatch() && path.startsWith("/api/v1/pods");
        }

        public boolean isList() {
            return method.equals("GET") && path.contains("fieldSelector") && !isWatch();
        }

        public boolean isGetOfPod() {
            return method.equals("GET") && path.matches("/api/v1/namespaces/[^/]+/pods/[^/?]+");
        }
    }

    private record Fault(Predicate<Call> meant, AtomicInteger times, Function<Call, MockResponse> answer) {}

    private final KubernetesCrudDispatcher crud = new KubernetesCrudDispatcher();
    private final List<Call> calls = new CopyOnWriteArrayList<>();
    private final List<Fault> faults = new CopyOnWriteArrayList<>();
    private final FakeWatches watches = new FakeWatches();
    private final FakeFront front;
    private final Link link;

    /** Starts it, reached by a port of loopback in the network namespace of this process. */
    public FakeApiServer() throws IOException {
        this(new ServerSocket(0, BACKLOG, InetAddress.getLoopbackAddress()));
    }

    /** Starts it, reached by a socket that listens, perhaps in another network namespace. */
    public FakeApiServer(ServerSocket entrance) throws IOException {
        front = new FakeFront(this::handle);
        link = new Link(entrance, front.port());
    }

    /** The URL at which clients reach this server. */
    public String url() {
        return link.url();
    }

    /** Cuts all connections; new ones are possible. */
    public void cut() {
        link.cut();
    }

    /** Cuts all connections and lets no new ones through. */
    public void disconnect() {
        link.down();
    }

    /** Lets connections through again. */
    public void reconnect() {
        link.up();
    }

    /** Writes a kubeconfig that leads to this server into a directory. */
    public Path kubeconfig(Path directory) throws IOException {
        return Files.writeString(directory.resolve("kubeconfig"), """
                apiVersion: v1
                kind: Config
                current-context: test
                clusters: [{name: test, cluster: {server: "%s"}}]
                users: [{name: test, user: {token: %s}}]
                contexts: [{name: test, context: {cluster: test, user: test}}]
                """.formatted(link.url(), TOKEN));
    }

    /** The requests so far. */
    public List<Call> calls() {
        return calls;
    }

    public long calls(Predicate<Call> meant) {
        return calls.stream().filter(meant).count();
    }

    /** Answers the next requests that are meant with a status, as often as said. */
    public void fail(Predicate<Call> meant, int times, int status) {
        answer(meant, times, _ -> status(status, "injected"));
    }

    /** Answers the next requests that are meant late. */
    public void delay(Predicate<Call> meant, int times, Duration delay) {
        faults.add(new Fault(meant, new AtomicInteger(times), call -> {
            MockResponse response = serve(call);
            return response.setBodyDelay(delay);
        }));
    }

    public void answer(Predicate<Call> meant, int times, Function<Call, MockResponse> answer) {
        faults.add(new Fault(meant, new AtomicInteger(times), answer));
    }

    /**
     * Ends the next watches that are opened with an ERROR event, as the server does when it has forgotten a version.
     */
    public void expireWatches(int times) {
        answer(
                Call::isWatch,
                times,
                _ -> new MockResponse().withWebSocketUpgrade(new WebSocketListener() {
                    @Override
                    public void onOpen(WebSocket webSocket, Response response) {
                        webSocket.send("""
                        {"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","status":"Failure",
                        "reason":"Expired","code":410,"message":"too old resource version"}}""");
                    }
                }));
    }

    /** Opens the next watches and never says anything on them. */
    public void silenceWatches(int times) {
        answer(Call::isWatch, times, _ -> new MockResponse().withWebSocketUpgrade(new WebSocketListener() {}));
    }

    /**
     * Nothing comes any more on any watch of pods, which stay open; or all of them end, and new ones show all again.
     */
    public void silence(boolean on) {
        watches.silence(on);
    }

    /** Says on all watches how far they have come. */
    public void bookmark() {
        watches.bookmark(String.valueOf(crud.requestResourceVersion()));
    }

    public void mendAll() {
        faults.clear();
    }

    /** Adds a pod, and returns it as it is then. */
    public Pod create(Pod pod) {
        String namespace = pod.getMetadata().getNamespace();
        String name = pod.getMetadata().getName();
        Pod labelled = pod.edit()
                .editMetadata()
                .addToLabels(NODE_LABEL, pod.getSpec().getNodeName())
                .endMetadata()
                .build();
        create("/api/v1/namespaces/" + namespace + "/pods", labelled);
        Pod created = pod(namespace, name).orElseThrow();
        watches.show("ADDED", created);
        return created;
    }

    /** Adds another resource to those of a path. */
    public void create(String path, HasMetadata resource) {
        crud.handleCreate(request(HttpMethod.POST, path, Serialization.asJson(resource)));
    }

    /** Puts a resource other than a pod in place of the one of its path. */
    public void replace(String path, HasMetadata resource) {
        crud.handleUpdate(request(HttpMethod.PUT, path, Serialization.asJson(resource)));
    }

    /** Takes a resource other than a pod away. */
    public void delete(String path) {
        crud.handleDelete(path);
    }

    /** A pod as it is now. */
    public Optional<Pod> pod(String namespace, String name) {
        return read(path(namespace, name), Pod.class);
    }

    public <T> Optional<T> read(String path, Class<T> type) {
        MockResponse response = crud.handleGet(path);
        return response.code() == 200
                ? Optional.of(Serialization.unmarshal(response.getBody().readUtf8(), type))
                : Optional.empty();
    }

    /** Changes a pod. */
    public void update(String namespace, String name, UnaryOperator<Pod> change) {
        String path = path(namespace, name);
        Pod changed = change.apply(pod(namespace, name).orElseThrow());
        crud.handleUpdate(request(HttpMethod.PUT, path, Serialization.asJson(changed)));
        show(path, changed);
    }

    /** Takes a pod away. */
    public void delete(String namespace, String name) {
        String path = path(namespace, name);
        Pod before = pod(namespace, name).orElseThrow();
        crud.handleDelete(path);
        show(path, before);
    }

    @Override
    public void close() throws IOException {
        link.close();
        watches.close();
        front.close();
    }

    private void handle(HttpExchange exchange) throws IOException {
        if ("websocket".equalsIgnoreCase(exchange.getRequestHeaders().getFirst("Upgrade"))) {
            // Clients that would rather have a WebSocket take a stream of lines when they are told to.
            exchange.sendResponseHeaders(503, -1);
            return;
        }
        String token = Optional.ofNullable(exchange.getRequestHeaders().getFirst("Authorization"))
                .orElse("");
        Call call = new Call(
                exchange.getRequestMethod(),
                exchange.getRequestURI().toString(),
                token.replaceFirst("^Bearer ", ""),
                new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
        calls.add(call);
        Headers.Builder headers = Headers.builder();
        exchange.getRequestHeaders().forEach((name, values) -> values.forEach(value -> headers.add(name, value)));
        RecordedRequest request = request(HttpMethod.valueOf(call.method()), call.path(), call.body());
        for (Fault fault : faults) {
            if (fault.meant().test(call) && fault.times().getAndDecrement() > 0) {
                FakeFront.send(exchange, request, fault.answer().apply(call));
                return;
            }
        }
        if (call.isWatchOfPods()) {
            watches.serve(decoded(call), exchange);
        } else {
            FakeFront.send(exchange, request, serve(call, headers.build()));
        }
    }

    private static String decoded(Call call) {
        return URLDecoder.decode(call.path(), StandardCharsets.UTF_8);
    }

    private MockResponse serve(Call call) {
        return serve(call, Headers.builder().build());
    }

    private MockResponse serve(Call call, Headers headers) {
        if (call.path().endsWith("/eviction")) {
            return remove(call, call.path().substring(0, call.path().length() - "/eviction".length()), "deleteOptions");
        }
        if (call.method().equals("DELETE")) {
            return remove(call, call.path(), "");
        }
        String path = decoded(call)
                .replace("fieldSelector=spec.nodeName=", "labelSelector=" + NODE_LABEL + "=")
                .replaceFirst("/pods/([^/]+)/status$", "/pods/$1");
        if (call.method().equals("PATCH") && !isOf(call, path)) {
            return status(409, "the precondition does not hold");
        }
        MockResponse response = crud.dispatch(new RecordedRequest(
                "HTTP/1.1", HttpMethod.valueOf(call.method()), path, headers, new Buffer().writeUtf8(call.body())));
        if (call.method().equals("PATCH") && path.contains("/pods/")) {
            read(path, Pod.class).ifPresent(pod -> watches.show("MODIFIED", pod));
        }
        return response.code() == 404 ? status(404, "not found") : response;
    }

    /** A patch that names a UID means the object that has it. */
    private boolean isOf(Call call, String path) {
        Object uid = call.body().startsWith("{")
                ? map(Serialization.unmarshal(call.body(), Map.class).get("metadata"))
                        .get("uid")
                : null;
        return uid == null
                || read(path, Pod.class)
                        .filter(pod -> !uid.equals(pod.getMetadata().getUid()))
                        .isEmpty();
    }

    private MockResponse remove(Call call, String path, String optionsField) {
        Map<?, ?> body = Serialization.unmarshal(call.body().isEmpty() ? "{}" : call.body(), Map.class);
        Map<?, ?> options = optionsField.isEmpty() ? body : map(body.get(optionsField));
        Map<?, ?> preconditions = map(options.get("preconditions"));
        Optional<Pod> pod = read(path, Pod.class);
        if (pod.isEmpty()) {
            return status(404, "not found");
        }
        Object uid = preconditions.get("uid");
        Object version = preconditions.get("resourceVersion");
        if ((uid != null && !uid.equals(pod.get().getMetadata().getUid()))
                || (version != null && !version.equals(pod.get().getMetadata().getResourceVersion()))) {
            return status(409, "the precondition does not hold");
        }
        crud.handleDelete(path);
        show(path, pod.get());
        return status(201, "done");
    }

    /** Shows what became of a pod. */
    private void show(String path, Pod before) {
        Optional<Pod> after = read(path, Pod.class);
        watches.show(
                after.isPresent() ? "MODIFIED" : "DELETED",
                after.orElseGet(() -> before.edit()
                        .editMetadata()
                        .withResourceVersion(String.valueOf(crud.requestResourceVersion()))
                        .endMetadata()
                        .build()));
    }

    private static String path(String namespace, String name) {
        return "/api/v1/namespaces/" + namespace + "/pods/" + name;
    }

    private static Map<?, ?> map(Object value) {
        return value instanceof Map<?, ?> map ? map : Map.of();
    }

    private static MockResponse status(int code, String message) {
        return new MockResponse()
                .setResponseCode(code)
                .setHeader("Content-Type", "application/json")
                .setBody("{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"code\":%d,\"message\":\"%s\"}"
                        .formatted(code, message));
    }

    private static RecordedRequest request(HttpMethod method, String path, String body) {
        return new RecordedRequest("HTTP/1.1", method, path, Headers.builder().build(), new Buffer().writeUtf8(body));
    }
}
