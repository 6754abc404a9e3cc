// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static java.util.Objects.requireNonNull;

import dev.meshcni.core.ShortLine;
import dev.meshcni.core.spi.PodSource;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.UnreadAnnotations;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Warns of annotations that nothing reads when their pod starts: once for each pod, in the log and to a listener. An
 * ADD that is repeated, or a CHECK, says nothing new.
 */
final class WarnedPods implements PodSource {
    private static final Logger LOG = LoggerFactory.getLogger(WarnedPods.class);

    /** More pods than a node has. */
    private static final int REMEMBERED = 1024;

    private final PodSource pods;
    private final BiConsumer<Pod, String> listener;
    private final Set<String> warned = Collections.synchronizedSet(Collections.newSetFromMap(new Latest()));

    /**
     * Pods of another source.
     *
     * @param pods that source, which is not closed here
     * @param listener hears of each warning, in the thread of the call: it must not take long
     */
    WarnedPods(PodSource pods, BiConsumer<Pod, String> listener) {
        this.pods = requireNonNull(pods, "pods is null");
        this.listener = requireNonNull(listener, "listener is null");
    }

    @Override
    public Optional<Pod> find(String namespace, String name, String uid, Predicate<Pod> doubtful, Duration patience) {
        Optional<Pod> found = pods.find(namespace, name, uid, doubtful, patience);
        found.ifPresent(this::warn);
        return found;
    }

    private void warn(Pod pod) {
        String key = pod.uid().isEmpty() ? pod.qualifiedName() : pod.uid();
        List<String> warnings = UnreadAnnotations.warnings(pod);
        if (!warnings.isEmpty() && warned.add(key)) {
            warnings.stream().limit(UnreadAnnotations.MOST).forEach(warning -> {
                LOG.warn("pod {}: {}", ShortLine.of(pod.qualifiedName()), warning);
                listener.accept(pod, warning);
            });
        }
    }

    @Override
    public Optional<String> notReady() {
        return pods.notReady();
    }

    @Override
    public void close() {
        warned.clear();
    }

    /** Keeps the latest entries only. */
    private static final class Latest extends LinkedHashMap<String, Boolean> {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
            return size() > REMEMBERED;
        }
    }
}
