package dev.meshcni.daemon;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.fabric8.mockwebserver.http.MockResponse;
import io.fabric8.mockwebserver.http.Response;
import io.fabric8.mockwebserver.http.WebSocket;
import io.fabric8.mockwebserver.http.WebSocketListener;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What watches of pods show: the history from the version that each asks for, as an API server keeps it. */
final class FakeWatches implements AutoCloseable {
    private static final Pattern QUERY =
            Pattern.compile("fieldSelector=spec\\.nodeName=(?<node>[^&]+).*resourceVersion=(?<version>\\d+)");

    private record Event(long version, String node, String line) {}

    private record Watch(String node, WebSocket socket) {}

    // One thread does all, apart from the server's own: a thread of its that waits for another to send would stop it.
    private final ExecutorService sender =
            Executors.newSingleThreadExecutor(Thread.ofVirtual().factory());
    private final List<Event> history = new ArrayList<>();
    private final List<Watch> watches = new ArrayList<>();

    /** Shows a change to all watches of the pod's node. */
    void show(String type, Pod pod) {
        Event event = new Event(
                Long.parseLong(pod.getMetadata().getResourceVersion()),
                pod.getSpec().getNodeName(),
                "{\"type\":\"%s\",\"object\":%s}".formatted(type, Serialization.asJson(pod)));
        sender.execute(() -> {
            history.add(event);
            watches.removeIf(watch -> watch.node().equals(event.node()) && !send(watch.socket(), event));
        });
    }

    /** Opens a watch, which first shows what happened since its version. */
    MockResponse open(String path) {
        Matcher query = QUERY.matcher(path);
        if (!query.find()) {
            throw new IllegalArgumentException("not a watch of a node's pods: " + path);
        }
        long version = Long.parseLong(query.group("version"));
        return new MockResponse().withWebSocketUpgrade(new WebSocketListener() {
            @Override
            public void onOpen(WebSocket socket, Response response) {
                sender.execute(() -> add(new Watch(query.group("node"), socket), version));
            }
        });
    }

    @Override
    public void close() {
        sender.shutdownNow();
    }

    private void add(Watch watch, long version) {
        history.stream()
                .filter(event -> event.version() > version && event.node().equals(watch.node()))
                .forEach(event -> send(watch.socket(), event));
        watches.add(watch);
    }

    /** Whether the socket is still open. */
    private static boolean send(WebSocket socket, Event event) {
        try {
            return socket.send(event.line());
        } catch (RuntimeException e) {
            return false;
        }
    }
}
