package dev.meshcni.daemon;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.informers.cache.Cache;
import io.fabric8.kubernetes.client.informers.cache.ItemStore;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * The pods that the watch has shown. The informer keeps its items here, and so keeps of each what {@link NodePodReader}
 * leaves of it; what it asks back are its identity and version, which is all that it compares.
 */
final class PodStore implements ItemStore<Pod> {
    /** Hears of each change, in the thread that reads the watch: it must not take long. */
    interface Listener {
        /** The pod is new or has changed. */
        void shown(NodePod pod);

        /** The pod is gone. */
        void gone(NodePod pod);
    }

    private record Waiter(Predicate<NodePod> wanted, CompletableFuture<NodePod> found) {}

    private final NodePodReader reader;
    private final Map<String, NodePod> pods = new ConcurrentHashMap<>();
    private final Map<String, List<Waiter>> waiters = new ConcurrentHashMap<>();
    private final List<Listener> listeners = new CopyOnWriteArrayList<>();

    PodStore(NodePodReader reader) {
        this.reader = reader;
    }

    /** Adds a listener, which first hears of the pods that are there. */
    void listen(Listener listener) {
        listeners.add(listener);
        pods.values().forEach(listener::shown);
    }

    Collection<NodePod> pods() {
        return List.copyOf(pods.values());
    }

    Optional<NodePod> pod(String key) {
        return Optional.ofNullable(pods.get(key));
    }

    /** The pod of a key, once it is as wanted; empty when the time is over. */
    Optional<NodePod> await(String key, Predicate<NodePod> wanted, Duration patience) throws InterruptedException {
        Waiter waiter = new Waiter(wanted, new CompletableFuture<>());
        waiters.compute(key, (_, others) -> {
            List<Waiter> all = others == null ? new CopyOnWriteArrayList<>() : others;
            all.add(waiter);
            return all;
        });
        try {
            // Looked at after it was registered, so that a pod which comes in between is not missed.
            Optional<NodePod> known = pod(key).filter(wanted);
            return known.isPresent()
                    ? known
                    : Optional.of(waiter.found().get(patience.toNanos(), TimeUnit.NANOSECONDS));
        } catch (TimeoutException e) {
            return Optional.empty();
        } catch (ExecutionException e) {
            throw new AssertionError("waiters only ever succeed", e);
        } finally {
            waiters.computeIfPresent(key, (_, all) -> {
                all.remove(waiter);
                return all.isEmpty() ? null : all;
            });
        }
    }

    @Override
    public String getKey(Pod pod) {
        return Cache.metaNamespaceKeyFunc(pod);
    }

    @Override
    public Pod put(String key, Pod pod) {
        NodePod shown = reader.read(pod);
        NodePod before = pods.put(key, shown);
        waiters.getOrDefault(key, List.of()).stream()
                .filter(waiter -> waiter.wanted().test(shown))
                .forEach(waiter -> waiter.found().complete(shown));
        if (before != null && !before.pod().uid().equals(shown.pod().uid())) {
            listeners.forEach(listener -> listener.gone(before));
        }
        listeners.forEach(listener -> listener.shown(shown));
        return stub(before);
    }

    @Override
    public Pod remove(String key) {
        NodePod before = pods.remove(key);
        if (before != null) {
            listeners.forEach(listener -> listener.gone(before));
        }
        return stub(before);
    }

    @Override
    public Stream<String> keySet() {
        return pods.keySet().stream();
    }

    @Override
    public Stream<Pod> values() {
        return pods.values().stream().map(PodStore::stub);
    }

    @Override
    public int size() {
        return pods.size();
    }

    @Override
    public Pod get(String key) {
        return stub(pods.get(key));
    }

    @Override
    public boolean isFullState() {
        return false;
    }

    private static Pod stub(NodePod pod) {
        return pod == null
                ? null
                : new PodBuilder()
                        .withNewMetadata()
                        .withNamespace(pod.pod().namespace())
                        .withName(pod.pod().name())
                        .withUid(pod.pod().uid())
                        .withResourceVersion(pod.resourceVersion())
                        .endMetadata()
                        .build();
    }
}
