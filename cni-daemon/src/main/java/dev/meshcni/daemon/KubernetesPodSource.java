package dev.meshcni.daemon;

import static java.util.Objects.requireNonNull;

import dev.meshcni.core.Pod;
import dev.meshcni.core.PodSourceException;
import dev.meshcni.core.spi.PodSource;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.fabric8.kubernetes.client.informers.cache.Cache;
import java.time.Duration;
import java.util.Collection;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The pods of this node, by one watch of the API server, so that an ADD costs it nothing.
 *
 * <p>A pod that the watch has not shown yet is waited for, then asked for once. Pods that are known are served whatever
 * becomes of the API server; the watch is taken up again by itself, with a new list, for as long as it takes.
 */
public final class KubernetesPodSource implements PodSource {
    private static final Logger LOG = LoggerFactory.getLogger(KubernetesPodSource.class);
    private static final Pattern POD_NAME = Pattern.compile("[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?");

    /** A watch that has not shown a pod for so long after it existed has died without a word. */
    private static final Duration WATCH_LAG = Duration.ofSeconds(5);

    private static final Duration REOPEN_INTERVAL = Duration.ofMinutes(1);

    private final KubernetesApi api;
    private final PodStore store;
    private final NodePodReader reader;
    private final CompletableFuture<Void> listed = new CompletableFuture<>();
    private final AtomicLong lookUps = new AtomicLong();
    private volatile String trouble = "the first list is under way";
    private SharedIndexInformer<io.fabric8.kubernetes.api.model.Pod> watch;
    private long openedNanos;

    private KubernetesPodSource(KubernetesApi api, NodePodReader reader) {
        this.api = api;
        this.reader = reader;
        this.store = new PodStore(reader);
    }

    /** Starts to watch; {@link #notReady} says when the pods are known. */
    public static KubernetesPodSource start(KubernetesApi api) {
        return start(api, new NodePodReader(_ -> true, ""));
    }

    /** Starts to watch, and keeps of each pod what a reader leaves of it. */
    static KubernetesPodSource start(KubernetesApi api, NodePodReader reader) {
        KubernetesPodSource source = new KubernetesPodSource(requireNonNull(api, "api is null"), reader);
        source.open(true);
        return source;
    }

    @Override
    public Optional<Pod> find(String namespace, String name, String uid, Duration patience) {
        if (!POD_NAME.matcher(namespace).matches() || !POD_NAME.matcher(name).matches()) {
            return Optional.empty();
        }
        try {
            Optional<NodePod> shown = store.await(namespace + "/" + name, pod -> isMeant(pod, uid), patience);
            return shown.or(() -> ask(namespace, name, uid, patience)).map(NodePod::pod);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PodSourceException("interrupted while waiting for a pod", e);
        }
    }

    @Override
    public Optional<String> notReady() {
        return listed.isDone()
                ? Optional.empty()
                : Optional.of("the pods of node " + api.nodeName() + " are not known yet: " + trouble);
    }

    @Override
    public synchronized void close() {
        watch.stop();
    }

    /** How often a pod had to be asked for by name. */
    public long lookUps() {
        return lookUps.get();
    }

    /** The number of pods that are known. */
    public int size() {
        return store.size();
    }

    /** The pods that the watch has shown. */
    Collection<NodePod> pods() {
        return store.pods();
    }

    /** The pod of a {@code namespace/name} that the watch has shown. */
    Optional<NodePod> pod(String key) {
        return store.pod(key);
    }

    /** Adds a listener, which first hears of the pods that are there. */
    void listen(PodStore.Listener listener) {
        store.listen(listener);
    }

    /**
     * Where the runtime gives no UID, a pod that is on its way out may be the predecessor of the one that is meant, such
     * as in a StatefulSet.
     */
    private static boolean isMeant(NodePod pod, String uid) {
        return uid.isEmpty() ? pod.stage() == NodePod.Stage.LIVE : pod.pod().hasUid(uid);
    }

    private Optional<NodePod> ask(String namespace, String name, String uid, Duration waited) {
        lookUps.incrementAndGet();
        try {
            Optional<NodePod> found = api.pod(namespace, name)
                    .map(reader::read)
                    .filter(pod -> uid.isEmpty() || pod.pod().hasUid(uid));
            if (found.isPresent() && waited.compareTo(WATCH_LAG) >= 0) {
                reopen(found.get().key());
            }
            return found;
        } catch (KubernetesClientException e) {
            throw new PodSourceException(
                    "pod " + namespace + "/" + name + " is not known here: " + ApiFailure.describe(e, "get on pods"),
                    e);
        }
    }

    /** A connection that a network device dropped silently looks like a watch on which nothing happens. */
    private synchronized void reopen(String pod) {
        if (!listed.isDone() || System.nanoTime() - openedNanos < REOPEN_INTERVAL.toNanos()) {
            return;
        }
        LOG.warn("the watch of this node's pods has not shown {}, which exists: it is opened anew", pod);
        watch.stop();
        open(false);
    }

    private synchronized void open(boolean first) {
        openedNanos = System.nanoTime();
        watch = api.podsOfNode();
        watch.removeIndexer(Cache.NAMESPACE_INDEX);
        watch.itemStore(store);
        if (!first) {
            // Says that the list must not come from a cache of the API server that is behind what is known here.
            watch.initialState(Stream.empty());
        }
        watch.exceptionHandler((_, failure) -> {
            trouble = ApiFailure.describe(failure, "list or watch on pods");
            LOG.warn("the watch of this node's pods failed and is tried again: {}", trouble);
            return true;
        });
        watch.start().thenRun(this::started);
    }

    private void started() {
        if (listed.complete(null)) {
            LOG.info("{} pods of node {} are known", store.size(), api.nodeName());
            // The whole pods of the list are garbage now, many times what is kept: the memory goes back to the node.
            System.gc();
        }
    }

    /** For tests: lets the watch be opened anew at once. */
    synchronized void allowReopening() {
        openedNanos = System.nanoTime() - REOPEN_INTERVAL.toNanos();
    }
}
