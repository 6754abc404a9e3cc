// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import static java.util.Objects.requireNonNull;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.PodSource;
import dev.meshcni.core.spi.PodSourceException;
import dev.meshcni.redirect.Pod;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.time.Duration;
import java.util.Collection;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The pods of this node, by one watch of the API server, so that an ADD costs it nothing.
 *
 * <p>A pod that the watch has not shown yet is waited for, then asked for once, and so is one for which there was no
 * room. Those that are known by their UID are served whatever becomes of the API server, unless the caller doubts them
 * and the watch is not known to live; a name alone names whatever pod the API server has of it now. The watch is taken
 * up again by itself, with a new list where that is needed, for as long as it takes.
 */
public final class KubernetesPodSource implements PodSource {
    private static final Logger LOG = LoggerFactory.getLogger(KubernetesPodSource.class);
    private static final Pattern POD_NAME = Pattern.compile("[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?");

    /** A watch that has not shown a pod for so long after it existed has died without a word. */
    private static final Duration WATCH_LAG = Duration.ofSeconds(5);

    private static final Duration REOPEN_INTERVAL = Duration.ofMinutes(1);
    private static final Duration TURN = Duration.ofSeconds(2);

    /** A watch says something about every minute, and is ended by the API server before this is over. */
    private static final Duration MAX_SILENCE = KubernetesApi.WATCH.plusSeconds(30);

    /** An answer is small once it is read, but what comes in at the same time adds up. */
    private static final int QUESTIONS_AT_ONCE = 4;

    private final KubernetesApi api;
    private final PodStore store = new PodStore();
    private final NodePodReader reader;
    private final PodReflector feed;
    private final Semaphore questions = new Semaphore(QUESTIONS_AT_ONCE, true);
    private final CompletableFuture<Void> listed = new CompletableFuture<>();
    private final AtomicLong lookUps = new AtomicLong();
    private volatile String trouble = "initial list in progress";
    private long openedNanos = System.nanoTime();

    private KubernetesPodSource(KubernetesApi api, NodePodReader reader, Duration maxSilence) {
        this.api = requireNonNull(api, "api is null");
        this.reader = reader;
        this.feed = PodReflector.start(api, reader, store, maxSilence, new PodReflector.Observer() {
            @Override
            public void listed() {
                started();
            }

            @Override
            public void failed(Throwable failure) {
                trouble = ApiFailure.describe(failure, "list or watch on pods");
                LOG.warn("watch of this node's pods failed, retrying: {}", trouble);
            }
        });
    }

    /** Starts to watch; {@link #notReady} says when the pods are known. */
    public static KubernetesPodSource start(KubernetesApi api) {
        return start(api, new NodePodReader(_ -> true, ""));
    }

    /** Starts to watch, and keeps of each pod what a reader leaves of it. */
    public static KubernetesPodSource start(KubernetesApi api, NodePodReader reader) {
        return start(api, reader, MAX_SILENCE);
    }

    /** Starts to watch, and trusts a watch only if it has said something within a time. */
    static KubernetesPodSource start(KubernetesApi api, NodePodReader reader, Duration maxSilence) {
        return new KubernetesPodSource(api, reader, maxSilence);
    }

    @Override
    public Optional<Pod> find(String namespace, String name, String uid, Predicate<Pod> doubtful, Duration patience) {
        if (!POD_NAME.matcher(namespace).matches() || !POD_NAME.matcher(name).matches()) {
            return Optional.empty();
        }
        try {
            Deadline deadline = Deadline.after(patience);
            Optional<NodePod> shown = store.await(namespace + "/" + name, pod -> isMeant(pod, uid), patience);
            boolean enough = shown.isPresent()
                    && !uid.isEmpty()
                    && !shown.get().bare()
                    && (feed.isLive() || !doubtful.test(shown.get().pod()));
            Optional<NodePod> found = enough ? shown : ask(namespace, name, uid, deadline);
            if (shown.isEmpty() && found.isPresent() && patience.compareTo(WATCH_LAG) >= 0) {
                reopen(found.get().key());
            }
            return found.map(NodePod::pod);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PodSourceException("interrupted while waiting for a pod", e);
        }
    }

    @Override
    public Optional<String> notReady() {
        return listed.isDone()
                ? Optional.empty()
                : Optional.of("pods of node " + api.nodeName() + " are not synced yet: " + trouble);
    }

    @Override
    public void close() {
        feed.close();
    }

    /** The number of pods looked up by name. */
    public long lookUps() {
        return lookUps.get();
    }

    /** The number of pods that are known. */
    public int size() {
        return store.size();
    }

    /** The pods that the watch has shown. */
    public Collection<NodePod> pods() {
        return store.pods();
    }

    /** The pod of a {@code namespace/name} that the watch has shown. */
    public Optional<NodePod> pod(String key) {
        return store.pod(key);
    }

    /** Adds a listener, which first hears of the pods that are there. */
    public void listen(PodStore.Listener listener) {
        store.listen(listener);
    }

    /**
     * Where the runtime gives no UID, a pod that is on its way out may be the predecessor of the one that is meant,
     * such as in a StatefulSet.
     */
    private static boolean isMeant(NodePod pod, String uid) {
        return uid.isEmpty() ? pod.stage() == NodePod.Stage.LIVE : pod.pod().hasUid(uid);
    }

    private Optional<NodePod> ask(String namespace, String name, String uid, Deadline deadline)
            throws InterruptedException {
        // A lookup whose wait timed out may still query the API server.
        Duration turn = deadline.remaining().plus(TURN);
        if (!questions.tryAcquire(turn.toNanos(), TimeUnit.NANOSECONDS)) {
            throw new PodSourceException(
                    "pod " + namespace + "/" + name + " cannot be looked up: too many concurrent lookups");
        }
        lookUps.incrementAndGet();
        try {
            return api.pod(namespace, name, reader.selectors())
                    .map(reader::read)
                    .filter(pod -> uid.isEmpty() || pod.pod().hasUid(uid));
        } catch (KubernetesClientException e) {
            throw new PodSourceException(
                    "pod " + namespace + "/" + name + " cannot be looked up: " + ApiFailure.describe(e, "get on pods"),
                    e);
        } finally {
            questions.release();
        }
    }

    /** A connection that a network device dropped silently looks like a watch on which nothing happens. */
    private synchronized void reopen(String pod) {
        if (!listed.isDone() || System.nanoTime() - openedNanos < REOPEN_INTERVAL.toNanos()) {
            return;
        }
        LOG.warn("watch of this node's pods did not deliver existing pod {}: relisting", pod);
        openedNanos = System.nanoTime();
        feed.listAnew();
    }

    private void started() {
        if (listed.complete(null)) {
            LOG.info("pods synced: {} pods of node {}", store.size(), api.nodeName());
            // What it took to read the list is garbage now: the memory goes back to the node.
            System.gc();
        }
    }

    /** For tests: whether a look-up by UID needs no other proof than the watch. */
    boolean isLive() {
        return feed.isLive();
    }

    /** For tests: lets the watch be opened anew at once. */
    synchronized void allowReopening() {
        openedNanos = System.nanoTime() - REOPEN_INTERVAL.toNanos();
    }
}
