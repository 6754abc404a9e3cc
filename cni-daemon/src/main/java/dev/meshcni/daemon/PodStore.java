package dev.meshcni.daemon;

import dev.meshcni.core.CutField;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The pods that the watch has shown, of each what {@link NodePodReader} leaves of it, and of all together a bounded amount: what does
 * not fit is kept without what decides about its redirection, so that its ADD is refused. One thread changes it, many look.
 */
final class PodStore {
    private static final Logger LOG = LoggerFactory.getLogger(PodStore.class);

    /** The most that is kept of all pods of the node, in characters: what 128 pods may have at the most. */
    private static final long MAX_KEPT = 16 << 20;

    /** The most that is kept of a pod that has finished, which no ADD asks for. */
    private static final long MAX_FINISHED = 2048;

    /** Hears of each change, in the thread that reads the watch: it must not take long. */
    interface Listener {
        /** The pod is new or has changed. */
        void shown(NodePod pod);

        /** The pod is gone. */
        void gone(NodePod pod);
    }

    private record Waiter(Predicate<NodePod> wanted, CompletableFuture<NodePod> found) {}

    /** Only the thread that reads the watch changes it. */
    private long keptChars;

    private final Map<String, NodePod> pods = new ConcurrentHashMap<>();
    private final Map<String, List<Waiter>> waiters = new ConcurrentHashMap<>();
    private final List<Listener> listeners = new CopyOnWriteArrayList<>();

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

    /** Takes a pod as it is now. */
    void put(NodePod read) {
        String key = read.key();
        NodePod before = pods.get(key);
        long others = keptChars - (before == null ? 0 : before.keptChars());
        NodePod shown = within(MAX_KEPT - others, read);
        keptChars = others + shown.keptChars();
        pods.put(key, shown);
        report(before, shown);
        waiters.getOrDefault(key, List.of()).stream()
                .filter(waiter -> waiter.wanted().test(shown))
                .forEach(waiter -> waiter.found().complete(shown));
        if (before != null && !before.pod().uid().equals(shown.pod().uid())) {
            listeners.forEach(listener -> listener.gone(before));
        }
        listeners.forEach(listener -> listener.shown(shown));
    }

    /** Lets a pod go; another one that has its name by now stays. */
    void remove(NodePod gone) {
        NodePod known = pods.get(gone.key());
        if (known != null && known.pod().uid().equals(gone.pod().uid())) {
            remove(known.key());
        }
    }

    /** Lets all pods go but those of some keys. */
    void retain(Set<String> keys) {
        pods.keySet().stream().filter(key -> !keys.contains(key)).toList().forEach(this::remove);
    }

    int size() {
        return pods.size();
    }

    private void remove(String key) {
        NodePod before = pods.remove(key);
        if (before != null) {
            keptChars -= before.keptChars();
            listeners.forEach(listener -> listener.gone(before));
        }
    }

    private static NodePod within(long room, NodePod pod) {
        boolean finished = pod.stage() == NodePod.Stage.FINISHED;
        long bound = Math.min(room, finished ? MAX_FINISHED : MAX_KEPT);
        return pod.keptChars() <= bound
                ? pod
                : pod.without(new CutField(
                        finished ? "the whole of a pod that has finished" : "the whole of the pods of this node",
                        pod.keptChars(),
                        Math.max(0, bound)));
    }

    /** Once for each pod and what is too large in it; names of fields are the engine's own. */
    private static void report(NodePod before, NodePod shown) {
        boolean known = before != null
                && before.pod().uid().equals(shown.pod().uid())
                && !before.pod().cut().isEmpty();
        if (!shown.pod().cut().isEmpty() && !known && shown.stage() != NodePod.Stage.FINISHED) {
            CutField cut = shown.pod().cut().getFirst();
            LOG.warn(
                    "pod {}: {} has a size of {}, more than the {} that are read: its ADD is refused",
                    ApiFailure.shortened(shown.key()),
                    cut.field(),
                    cut.size(),
                    cut.bound());
        }
    }
}
