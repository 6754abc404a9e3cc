// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.enrolment;

import static java.util.Objects.requireNonNull;

import dev.meshcni.core.spi.PodSourceException;
import dev.meshcni.kubernetes.ApiFailure;
import dev.meshcni.kubernetes.KubernetesApi;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The labels of the cluster's namespaces, as far as selectors ask for them, watched. For any thread.
 *
 * <p>An API server says on a watch once a minute how far it has come (a bookmark). A watch without any progress for
 * longer than that is not live, as its connection may have been dropped without a word, and is opened anew.
 */
final class NamespaceLabels implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NamespaceLabels.class);

    /** A minute between bookmarks, and half of one for an API server that is busy. */
    private static final Duration MAX_SILENCE = Duration.ofSeconds(90);

    private static final int CHECKS = 20;

    private final KubernetesApi api;
    private final Set<String> names;
    private final Duration maxSilence;
    private final Thread guard;
    private volatile SharedIndexInformer<Namespace> informer;
    private volatile String version = "";
    private volatile long progressNanos = System.nanoTime();
    private final Map<String, Map<String, String>> shown = new ConcurrentHashMap<>();
    private final List<Consumer<String>> listeners = new CopyOnWriteArrayList<>();
    private volatile boolean listed;
    private boolean closed;
    private volatile String trouble = "initial list in progress";

    private NamespaceLabels(KubernetesApi api, Set<String> names, Duration maxSilence) {
        this.api = requireNonNull(api, "api is null");
        this.names = Set.copyOf(names);
        this.maxSilence = requireNonNull(maxSilence, "maxSilence is null");
        this.informer = api.namespaces();
        this.guard = Thread.ofVirtual().name("namespace-watch-silence").unstarted(this::guard);
    }

    /**
     * Starts to watch; nothing is waited for.
     *
     * @param names the labels that are kept
     */
    static NamespaceLabels start(KubernetesApi api, Set<String> names) {
        return start(api, names, MAX_SILENCE);
    }

    /** The same with another bound for how long a watch may make no progress. */
    static NamespaceLabels start(KubernetesApi api, Set<String> names, Duration maxSilence) {
        NamespaceLabels labels = new NamespaceLabels(api, names, maxSilence);
        labels.watch(labels.informer);
        labels.guard.start();
        return labels;
    }

    /** Why the namespaces are not known yet; empty once they are. */
    Optional<String> notReady() {
        return isListed() ? Optional.empty() : Optional.of("the cluster's namespaces are not synced yet: " + trouble);
    }

    /** The informer has a list before its handlers have heard of it. */
    private boolean isListed() {
        if (!listed && informer.hasSynced()) {
            listed = shown.size() >= informer.getStore().listKeys().size();
        }
        return listed;
    }

    /** Returns whether a watch is open that makes progress, so that a change is heard of at once. */
    boolean isLive() {
        return isListed() && informer.isWatching() && !isSilent();
    }

    /** The labels of a namespace as the watch has shown them; empty if it has not shown the namespace. */
    Optional<Map<String, String>> shown(String namespace) {
        return Optional.ofNullable(shown.get(namespace));
    }

    /**
     * The labels of a namespace as the API server has them now; none if there is no such namespace. They count from now
     * on for everybody, should the watch be behind.
     *
     * @throws PodSourceException if it does not say
     */
    Map<String, String> ask(String namespace) {
        try {
            Optional<Map<String, String>> asked = api.namespaceLabels(namespace).map(this::kept);
            asked.ifPresent(labels -> show(namespace, labels));
            return asked.orElse(Map.of());
        } catch (KubernetesClientException e) {
            throw new PodSourceException(
                    "the labels of namespace " + namespace + " cannot be looked up: "
                            + ApiFailure.describe(e, "get on namespaces"),
                    e);
        }
    }

    /** Adds a listener, which hears the name of each namespace whose labels change. */
    void listen(Consumer<String> listener) {
        listeners.add(listener);
    }

    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            informer.stop();
        }
        guard.interrupt();
    }

    private void watch(SharedIndexInformer<Namespace> opened) {
        opened.addEventHandler(new Events());
        opened.exceptionHandler((_, failure) -> {
            failed(failure);
            return true;
        });
        CompletionStage<Void> _ = opened.start().whenComplete((_, failure) -> {
            if (failure != null) {
                failed(failure);
            }
        });
    }

    private void guard() {
        try {
            while (true) {
                Thread.sleep(maxSilence.dividedBy(CHECKS));
                if (informer.isWatching()) {
                    // What was deleted while nothing was watched.
                    shown.keySet().retainAll(Set.copyOf(informer.getStore().listKeys()));
                }
                if (isSilent()) {
                    LOG.info("watch of namespaces without progress for {} s, opening it anew", maxSilence.toSeconds());
                    openAnew();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized void openAnew() {
        if (!closed) {
            informer.stop();
            informer = api.namespaces();
            progressNanos = System.nanoTime();
            watch(informer);
        }
    }

    private boolean isSilent() {
        String now = Objects.requireNonNullElse(informer.lastSyncResourceVersion(), "");
        if (!now.equals(version)) {
            version = now;
            progressNanos = System.nanoTime();
        }
        return System.nanoTime() - progressNanos > maxSilence.toNanos();
    }

    private void failed(Throwable failure) {
        trouble = ApiFailure.describe(failure, "list or watch on namespaces");
        LOG.warn("watch of namespaces failed, retrying: {}", trouble);
    }

    private Map<String, String> kept(Map<String, String> labels) {
        Map<String, String> kept = new HashMap<>(labels);
        kept.keySet().retainAll(names);
        return Map.copyOf(kept);
    }

    private void show(Namespace namespace) {
        show(
                namespace.getMetadata().getName(),
                kept(Objects.requireNonNullElse(namespace.getMetadata().getLabels(), Map.of())));
    }

    private void show(String name, Map<String, String> labels) {
        if (!labels.equals(shown.put(name, labels))) {
            listeners.forEach(listener -> listener.accept(name));
        }
    }

    private final class Events implements ResourceEventHandler<Namespace> {
        @Override
        public void onAdd(Namespace namespace) {
            show(namespace);
        }

        @Override
        public void onUpdate(Namespace old, Namespace namespace) {
            show(namespace);
        }

        /** Its pods have gone before it, and are heard of themselves. */
        @Override
        public void onDelete(Namespace namespace, boolean finalStateUnknown) {
            shown.remove(namespace.getMetadata().getName());
        }
    }
}
