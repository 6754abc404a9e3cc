// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit;

import com.sun.net.httpserver.HttpExchange;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The events that watches of pods show: the history from the version that each asks for, as an API server keeps it. */
final class FakeWatches implements AutoCloseable {
    private static final Pattern VERSION = Pattern.compile("[?&]resourceVersion=(?<version>\\d+)");
    private static final Pattern NODE = Pattern.compile("fieldSelector=spec\\.nodeName=(?<node>[^&]+)");
    private static final Pattern TIMEOUT = Pattern.compile("timeoutSeconds=(?<seconds>\\d+)");
    private static final String END = "";

    private record Event(long version, String node, String line) {}

    private record Watch(String node, BlockingQueue<String> lines) {}

    private final List<Event> history = new ArrayList<>();
    private final List<Watch> watches = new ArrayList<>();
    private boolean silent;

    /** Shows a change to all watches of the pod's node. */
    synchronized void show(String type, Pod pod) {
        Event event = new Event(
                Long.parseLong(pod.getMetadata().getResourceVersion()),
                pod.getSpec().getNodeName(),
                "{\"type\":\"%s\",\"object\":%s}\n".formatted(type, Serialization.asJson(pod)));
        history.add(event);
        if (!silent) {
            watches.stream()
                    .filter(watch -> watch.node().equals(event.node()))
                    .forEach(watch -> watch.lines().add(event.line()));
        }
    }

    /** Says how far all watches have come, without a change. */
    synchronized void bookmark(String version) {
        String line = """
                {"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"%s"}}}
                """.formatted(version);
        watches.forEach(watch -> watch.lines().add(line));
    }

    /**
     * From now on nothing comes on the watches that are open, nor on new ones, as behind a network device that drops
     * all.
     */
    synchronized void silence(boolean on) {
        silent = on;
        if (!on) {
            watches.forEach(watch -> watch.lines().add(END));
        }
    }

    /** Serves a watch, which first shows what happened since its version, until it is over. */
    void serve(String path, HttpExchange exchange) throws IOException {
        Watch watch = new Watch(group(NODE, path, "node"), new LinkedBlockingQueue<>());
        long version = Long.parseLong(group(VERSION, path, "version"));
        long seconds = Long.parseLong(group(TIMEOUT, path, "seconds"));
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(200, 0);
        add(watch, version);
        try (OutputStream out = exchange.getResponseBody()) {
            // An API server answers at once, whether there is something to show or not.
            out.flush();
            for (String line = next(watch, seconds); !line.equals(END); line = next(watch, seconds)) {
                out.write(line.getBytes(StandardCharsets.UTF_8));
                out.flush();
            }
        } finally {
            remove(watch);
        }
    }

    @Override
    public synchronized void close() {
        watches.forEach(watch -> watch.lines().add(END));
    }

    private synchronized void add(Watch watch, long version) {
        if (!silent) {
            history.stream()
                    .filter(event -> event.version() > version && event.node().equals(watch.node()))
                    .forEach(event -> watch.lines().add(event.line()));
        }
        watches.add(watch);
    }

    private synchronized void remove(Watch watch) {
        watches.remove(watch);
    }

    private static String next(Watch watch, long seconds) throws IOException {
        try {
            String line = watch.lines().poll(seconds, TimeUnit.SECONDS);
            return line == null ? END : line;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private static String group(Pattern pattern, String path, String group) {
        Matcher matcher = pattern.matcher(path);
        if (!matcher.find()) {
            throw new IllegalArgumentException("not a watch of a node's pods: " + path);
        }
        return matcher.group(group);
    }
}
