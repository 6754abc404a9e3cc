// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lists and watches the pods of this node into a {@link PodStore}, pod by pod, for as long as it is open. Whatever
 * fails is tried again; what says nothing for too long is closed and opened anew.
 */
final class PodReflector implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PodReflector.class);
    private static final Duration PAUSE = Duration.ofMillis(500);
    private static final int MAX_DOUBLINGS = 5;
    private static final int GONE = 410;

    /** A listener of the feed. */
    interface Observer {
        /** A list has been read to its end. */
        void listed();

        /** The list or watch was refused or broke off. */
        void failed(Throwable failure);
    }

    private final KubernetesApi api;
    private final NodePodReader reader;
    private final PodStore store;
    private final Observer observer;
    private final IdleTimeout silence;
    private final Thread thread;
    private volatile boolean closed;
    private volatile boolean listWanted = true;
    private volatile boolean watching;
    private boolean first = true;
    private String version = "";

    private PodReflector(
            KubernetesApi api, NodePodReader reader, PodStore store, Duration maxSilence, Observer observer) {
        this.api = api;
        this.reader = reader;
        this.store = store;
        this.observer = observer;
        this.silence = new IdleTimeout(maxSilence);
        this.thread = Thread.ofPlatform().name("pod-watch").daemon().unstarted(this::run);
    }

    /**
     * Starts it.
     *
     * @param maxSilence how long a watch may say nothing at all; longer than the API server lets one last
     */
    static PodReflector start(
            KubernetesApi api, NodePodReader reader, PodStore store, Duration maxSilence, Observer observer) {
        PodReflector feed = new PodReflector(api, reader, store, maxSilence, observer);
        feed.thread.start();
        return feed;
    }

    /** Returns whether a watch is open that has said something not long ago. */
    boolean isLive() {
        return watching && !listWanted && !silence.isTooLong();
    }

    /** Has all pods listed anew, by a list that is not older than this moment. */
    void listAnew() {
        listWanted = true;
        silence.interrupt();
    }

    @Override
    public void close() {
        closed = true;
        silence.close();
        thread.interrupt();
    }

    private void run() {
        int failures = 0;
        while (!closed) {
            long begun = System.nanoTime();
            try {
                if (listWanted) {
                    list();
                }
                watch();
                failures = 0;
                if (System.nanoTime() - begun < PAUSE.toNanos()) {
                    pause(0);
                }
            } catch (IOException | RuntimeException e) {
                if (!closed) {
                    observer.failed(e);
                    listWanted |= e instanceof KubernetesClientException refusal && refusal.getCode() == GONE;
                    pause(failures++);
                }
            }
        }
    }

    private void list() throws IOException {
        listWanted = false;
        try {
            Set<String> keys = new HashSet<>();
            PodListPage page = new PodListPage("", "");
            do {
                page = readPage(page.next(), keys);
            } while (!page.next().isEmpty());
            if (page.version().isEmpty()) {
                throw new IOException("the pod list has no resourceVersion");
            }
            version = page.version();
            first = false;
            store.retain(keys);
            observer.listed();
        } catch (IOException | RuntimeException e) {
            listWanted = true;
            throw e;
        }
    }

    private PodListPage readPage(String next, Set<String> keys) throws IOException {
        try (InputStream body = api.listPods(next, first);
                InputStream guarded = silence.guard(body);
                JsonParser json = JsonFields.factory().createParser(guarded)) {
            return PodListPage.read(json, reader.selectors(), pod -> {
                silence.broken();
                NodePod read = reader.read(pod);
                keys.add(read.key());
                store.put(read);
            });
        }
    }

    private void watch() throws IOException {
        try (InputStream body = api.watchPods(version);
                InputStream guarded = silence.guard(body)) {
            // The API server has answered; a parser waits for the first event before there is one.
            watching = true;
            readEvents(guarded);
        } catch (JacksonException e) {
            // What is not understood now will not be understood from the same version on either.
            listWanted = true;
            throw e;
        } catch (IOException e) {
            LOG.debug("watch of this node's pods closed", e);
        } finally {
            watching = false;
        }
    }

    private void readEvents(InputStream events) throws IOException {
        try (JsonParser json = JsonFields.factory().createParser(events)) {
            while (!closed && !listWanted && json.nextToken() == JsonToken.START_OBJECT) {
                apply(WatchEvent.read(json, reader.selectors()));
                silence.broken();
            }
        }
    }

    private void apply(WatchEvent event) {
        switch (event.type()) {
            case "ADDED", "MODIFIED" -> store.put(reader.read(event.pod()));
            case "DELETED" -> store.remove(reader.read(event.pod()));
            case "BOOKMARK" -> {}
            case "ERROR" -> {
                LOG.debug("resourceVersion of the watch expired (410 Gone), relisting");
                listWanted = true;
                return;
            }
            default -> {
                return;
            }
        }
        String shown = event.pod().pod().getMetadata().getResourceVersion();
        version = shown == null || shown.isEmpty() ? version : shown;
    }

    private void pause(int failures) {
        try {
            Thread.sleep(PAUSE.multipliedBy(1L << Math.min(failures, MAX_DOUBLINGS)));
        } catch (InterruptedException e) {
            // Only closing interrupts this thread.
            closed = true;
        }
    }
}
