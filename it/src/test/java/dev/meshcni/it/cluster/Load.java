// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Pods of the mesh that start one after the other, some at a time, while something happens to the node. Each connects
 * to a peer as soon as it runs, and is deleted two seconds later.
 */
final class Load implements AutoCloseable {
    private static final int AT_ONCE = 4;
    private static final int ALL =
            Setting.MESHCNI_CLUSTER_PODS.value().map(Integer::parseInt).orElse(60);
    private static final Map<String, String> LABELS = Map.of("load", "true");
    private static final Duration LIFE = Duration.ofSeconds(2);
    private static final Duration PAUSE = Duration.ofMillis(500);
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    private final TestNamespace namespace;
    private final Peer peer;
    private final int atLeast;
    private final AtomicBoolean cancelled = new AtomicBoolean();
    private final AtomicBoolean enough = new AtomicBoolean();
    private final List<Duration> waits = new ArrayList<>();
    private final List<String> bypasses = new ArrayList<>();
    private final Map<String, Long> running = new HashMap<>();
    private final CompletableFuture<Figures> figures;

    private Load(TestNamespace namespace, Peer peer, int atLeast) {
        this.namespace = namespace;
        this.peer = peer;
        this.atLeast = atLeast;
        this.figures = new CompletableFuture<>();
        Thread.ofVirtual().start(this::run);
    }

    /**
     * What became of the pods.
     *
     * @param pods how many have started
     * @param longest the longest time from a pod's creation to the start of its application
     * @param median the median of these times
     * @param bypasses connections that were not redirected, by the word of the pods
     * @param seen the same, by the peer's word
     * @param refused how often a sandbox could not be made
     * @param reasons why
     */
    record Figures(
            int pods,
            Duration longest,
            Duration median,
            List<String> bypasses,
            Peer.Seen seen,
            int refused,
            List<String> reasons) {
        /** For the report. */
        String text() {
            return pods + " pods, median wait " + median.toSeconds() + " s, longest " + longest.toSeconds() + " s, "
                    + refused + " sandboxes refused and retried, " + seen.segments() + " unredirected packets";
        }
    }

    /** Starts a share of all the pods of this run. */
    static Load start(TestNamespace namespace, Peer peer, int share) {
        peer.forget();
        return new Load(namespace, peer, Math.max(AT_ONCE, ALL * share / 100));
    }

    /** Ends the load when its pods have started, and returns what became of them. */
    Figures end() {
        enough.set(true);
        try {
            return figures.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        } catch (ExecutionException e) {
            throw new AssertionError(e.getCause());
        } catch (TimeoutException e) {
            throw new AssertionError("pods do not start: " + running + namespace.events(), e);
        }
    }

    @Override
    public void close() {
        cancelled.set(true);
    }

    private void run() {
        try {
            int made = 0;
            while (!cancelled.get() && (!enough.get() || made < atLeast || !running.isEmpty())) {
                boolean more = !enough.get() || made < atLeast;
                while (more && running.size() < AT_ONCE) {
                    String name = "load-" + made;
                    if (!attempt(() -> namespace.create(Pods.injected(name, LABELS, Prober.script(name, peer))))) {
                        break;
                    }
                    running.put(name, 0L);
                    made++;
                }
                attempt(() ->
                        namespace.pods().withLabels(LABELS).list().getItems().forEach(this::look));
                Thread.sleep(PAUSE);
            }
            figures.complete(figuresNow());
        } catch (InterruptedException | RuntimeException | Error e) {
            figures.completeExceptionally(e);
        }
    }

    /** An API server that is away costs the load time and nothing else. */
    private static boolean attempt(Runnable request) {
        try {
            request.run();
            return true;
        } catch (KubernetesClientException e) {
            return false;
        }
    }

    private void look(Pod pod) {
        String name = pod.getMetadata().getName();
        Long since = running.get(name);
        Optional<Instant> started = started(pod);
        if (since == null || started.isEmpty()) {
            return;
        }
        if (since == 0) {
            running.put(name, System.nanoTime());
            waits.add(Duration.between(instant(pod.getMetadata().getCreationTimestamp()), started.get()));
        } else if (System.nanoTime() - since > LIFE.toNanos()) {
            Prober.bypass(pod).ifPresent(bypasses::add);
            namespace.pods().withName(name).withGracePeriod(0).delete();
            running.remove(name);
        }
    }

    private Figures figuresNow() {
        List<Duration> sorted = waits.stream().sorted().toList();
        List<Event> refusals = namespace.events().stream()
                .filter(event -> event.getReason().equals("FailedCreatePodSandBox"))
                .toList();
        return new Figures(
                sorted.size(),
                sorted.getLast(),
                sorted.get(sorted.size() / 2),
                List.copyOf(bypasses),
                peer.seen(),
                refusals.stream()
                        .mapToInt(event -> Optional.ofNullable(event.getCount()).orElse(1))
                        .sum(),
                refusals.stream().map(Event::getMessage).distinct().toList());
    }

    private static Optional<Instant> started(Pod pod) {
        return Prober.app(pod).map(app -> app.getState()).flatMap(Load::start).map(Load::instant);
    }

    private static Optional<String> start(ContainerState state) {
        if (state.getRunning() != null) {
            return Optional.ofNullable(state.getRunning().getStartedAt());
        }
        return Optional.ofNullable(state.getTerminated()).map(end -> end.getStartedAt());
    }

    private static Instant instant(String time) {
        return OffsetDateTime.parse(time).toInstant();
    }
}
