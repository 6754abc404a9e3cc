// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import dev.meshcni.core.ShortLine;
import dev.meshcni.rules.CutField;
import java.time.Duration;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
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
 * The pods that the watch has shown, of each what {@link NodePodReader} leaves of it, and of all together a bounded
 * amount. Where that is not enough, pods of the namespace that has the most of it are kept bare, and have to be looked
 * up. One thread writes, many read.
 */
public final class PodStore {
    private static final Logger LOG = LoggerFactory.getLogger(PodStore.class);

    /** The most that is kept of all pods of the node, in characters: what 128 pods may have at the most. */
    static final long MAX_KEPT = 16 << 20;

    /** The most that is kept of a pod that has finished, which no ADD asks for. */
    private static final long MAX_FINISHED = 2048;

    /** Hears of each change, in the thread that reads the watch: it must not take long. */
    public interface Listener {
        /** The pod is new or has changed. */
        void shown(NodePod pod);

        /** The pod is gone. */
        void gone(NodePod pod);
    }

    /** A pod, and how much is kept of it. */
    private record Kept(NodePod pod, long chars) {
        Kept(NodePod pod) {
            this(pod, pod.keptChars());
        }

        boolean isFinished() {
            return pod.stage() == NodePod.Stage.FINISHED;
        }
    }

    /** No record: what is generated to compare records takes milliseconds when it is first used, in the first ADD. */
    private static final class Waiter {
        private final Predicate<NodePod> wanted;
        private final CompletableFuture<NodePod> found = new CompletableFuture<>();

        Waiter(Predicate<NodePod> wanted) {
            this.wanted = wanted;
        }
    }

    private final long maxKept;

    /** The size of the cached data by namespace; only for the thread that reads the watch. */
    private final Map<String, Long> shares = new HashMap<>();

    private long keptChars;

    private final Map<String, Kept> pods = new ConcurrentHashMap<>();
    private final Map<String, List<Waiter>> waiters = new ConcurrentHashMap<>();
    private final List<Listener> listeners = new CopyOnWriteArrayList<>();

    PodStore() {
        this(MAX_KEPT);
    }

    /** A store that keeps so much of all pods, in characters, beside the names of each. */
    PodStore(long maxKept) {
        this.maxKept = maxKept;
    }

    /** Adds a listener, which first hears of the pods that are there. */
    void listen(Listener listener) {
        listeners.add(listener);
        pods().forEach(listener::shown);
    }

    Collection<NodePod> pods() {
        return pods.values().stream().map(Kept::pod).toList();
    }

    Optional<NodePod> pod(String key) {
        return Optional.ofNullable(pods.get(key)).map(Kept::pod);
    }

    /** The pod of a key, once it is as wanted; empty when the time is over. */
    Optional<NodePod> await(String key, Predicate<NodePod> wanted, Duration patience) throws InterruptedException {
        Waiter waiter = new Waiter(wanted);
        waiters.compute(key, (_, others) -> {
            List<Waiter> all = others == null ? new CopyOnWriteArrayList<>() : others;
            all.add(waiter);
            return all;
        });
        try {
            // Checked after registration, so that a pod added in between is not missed.
            Optional<NodePod> known = pod(key).filter(wanted);
            return known.isPresent() ? known : Optional.of(waiter.found.get(patience.toNanos(), TimeUnit.NANOSECONDS));
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
        NodePod before = pod(key).orElse(null);
        keep(withinItsOwn(read));
        while (keptChars > maxKept && makeRoom(key)) {
            // Pod by pod, until the rest fits or all are bare.
        }
        NodePod shown = pod(key).orElseThrow();
        report(before, shown);
        waiters.getOrDefault(key, List.of()).stream()
                .filter(waiter -> waiter.wanted.test(shown))
                .forEach(waiter -> waiter.found.complete(shown));
        if (before != null && !before.pod().uid().equals(shown.pod().uid())) {
            listeners.forEach(listener -> listener.gone(before));
        }
        listeners.forEach(listener -> listener.shown(shown));
    }

    /** Lets a pod go; another one that has its name by now stays. */
    void remove(NodePod gone) {
        pod(gone.key())
                .filter(known -> known.pod().uid().equals(gone.pod().uid()))
                .ifPresent(known -> remove(known.key()));
    }

    /** Lets all pods go but those of some keys. */
    void retain(Set<String> keys) {
        pods.keySet().stream().filter(key -> !keys.contains(key)).toList().forEach(this::remove);
    }

    int size() {
        return pods.size();
    }

    /** The size of the cached data of all pods, in characters. */
    long keptChars() {
        return keptChars;
    }

    private void remove(String key) {
        Kept before = pods.remove(key);
        if (before != null) {
            count(before.pod(), -before.chars());
            listeners.forEach(listener -> listener.gone(before.pod()));
        }
    }

    private void keep(NodePod pod) {
        Kept now = new Kept(pod);
        Kept before = pods.put(pod.key(), now);
        if (before != null) {
            count(before.pod(), -before.chars());
        }
        count(pod, now.chars());
    }

    private void count(NodePod pod, long chars) {
        keptChars += chars;
        shares.merge(pod.pod().namespace(), chars, (kept, more) -> kept + more == 0 ? null : Long.valueOf(kept + more));
    }

    /**
     * Makes a pod of the greediest namespace bare: one that has finished if there is one, else the one that came just
     * now, so that none which is there has to give way to a neighbour again and again, else the largest.
     */
    private boolean makeRoom(String newest) {
        Optional<Kept> chosen = pods.values().stream()
                .filter(kept -> !kept.pod().bare())
                .max(Comparator.<Kept>comparingLong(kept -> share(kept.pod()))
                        .thenComparing(Kept::isFinished)
                        .thenComparing(kept -> kept.pod().key().equals(newest))
                        .thenComparingLong(Kept::chars));
        chosen.ifPresent(kept -> {
            NodePod pod = kept.pod();
            NodePod bare = pod.bare(new CutField(
                    "cached pod data of namespace " + ShortLine.of(pod.pod().namespace()),
                    share(pod),
                    Math.max(0, maxKept - (keptChars - share(pod)))));
            keep(bare);
            if (!pod.key().equals(newest)) {
                report(pod, bare);
                listeners.forEach(listener -> listener.shown(bare));
            }
        });
        return chosen.isPresent();
    }

    private long share(NodePod pod) {
        return shares.getOrDefault(pod.pod().namespace(), 0L);
    }

    private static NodePod withinItsOwn(NodePod pod) {
        return pod.stage() == NodePod.Stage.FINISHED && pod.keptChars() > MAX_FINISHED
                ? pod.bare(new CutField("data of a finished pod", pod.keptChars(), MAX_FINISHED))
                : pod;
    }

    /** Once for each pod and what is too large in it; names of fields are the engine's own. */
    private static void report(NodePod before, NodePod shown) {
        boolean known = before != null
                && before.pod().uid().equals(shown.pod().uid())
                && !before.pod().cut().isEmpty();
        if (!shown.pod().cut().isEmpty() && !known && shown.stage() != NodePod.Stage.FINISHED) {
            CutField cut = shown.pod().cut().getFirst();
            LOG.warn(
                    "pod {}: {} has a size of {}, exceeding {}: {}",
                    ShortLine.of(shown.key()),
                    cut.field(),
                    cut.size(),
                    cut.bound(),
                    shown.bare() ? "its ADD looks it up in the API server" : "its ADD is rejected");
        }
    }
}
