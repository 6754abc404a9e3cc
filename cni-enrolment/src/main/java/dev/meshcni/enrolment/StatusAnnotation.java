// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.enrolment;

import static java.util.Objects.requireNonNull;

import dev.meshcni.ambient.AmbientPod;
import dev.meshcni.ambient.MeshStatus;
import dev.meshcni.ambient.StatusOutput;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.kubernetes.ApiFailure;
import dev.meshcni.kubernetes.KubernetesApi;
import dev.meshcni.kubernetes.KubernetesPodSource;
import dev.meshcni.kubernetes.NodePod;
import dev.meshcni.redirect.AmbientMetadata;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes the annotation {@code ambient.istio.io/redirection} of pods through the API server, and tries again until it
 * is written. For any thread.
 */
final class StatusAnnotation implements StatusOutput, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(StatusAnnotation.class);
    private static final int WRITERS = 2;
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);
    private static final Duration POLL = Duration.ofMillis(20);

    /** How long the watch may take to show what was written; what it shows later is somebody else's doing. */
    private static final Duration WATCH_LAG = Duration.ofSeconds(10);

    /** @param writtenNanos when it was written; empty before */
    private record Outstanding(AmbientPod pod, MeshStatus status, Optional<Long> writtenNanos) {
        boolean isTrusted() {
            return writtenNanos
                    .filter(nanos -> System.nanoTime() - nanos > WATCH_LAG.toNanos())
                    .isEmpty();
        }
    }

    private final KubernetesApi api;
    private final KubernetesPodSource pods;
    private final Map<String, Outstanding> outstanding = new ConcurrentHashMap<>();
    private volatile String trouble = "";
    private final WorkQueue queue = new WorkQueue("mesh-status", WRITERS, LONGEST_PAUSE, this::write);

    StatusAnnotation(KubernetesApi api, KubernetesPodSource pods) {
        this.api = requireNonNull(api, "api is null");
        this.pods = requireNonNull(pods, "pods is null");
    }

    @Override
    public MeshStatus shown(AmbientPod pod) {
        Optional<Outstanding> own =
                Optional.ofNullable(outstanding.get(pod.uid())).filter(Outstanding::isTrusted);
        if (own.isPresent()) {
            return own.get().status();
        }
        return pods.pod(pod.namespace() + "/" + pod.name())
                .filter(shown -> shown.pod().uid().equals(pod.uid()))
                .map(StatusAnnotation::of)
                .orElse(MeshStatus.NONE);
    }

    @Override
    public void show(AmbientPod pod, MeshStatus status) {
        outstanding.put(pod.uid(), new Outstanding(pod, status, Optional.empty()));
        queue.add(pod.uid());
    }

    /** Takes note of what the watch shows of a pod: what was written has arrived. */
    void shown(NodePod pod) {
        outstanding.computeIfPresent(
                pod.pod().uid(), (_, own) -> own.writtenNanos().isPresent() && own.status() == of(pod) ? null : own);
    }

    /** Drops what was to be written of a pod that is gone. */
    void gone(NodePod pod) {
        outstanding.remove(pod.pod().uid());
    }

    /** Waits until all is written, or the time is over; the number of pods of which something is not. */
    int awaitWritten(Deadline deadline) {
        int unwritten = unwritten();
        try {
            while (unwritten > 0 && !deadline.remaining().isZero()) {
                Thread.sleep(deadline.atMost(POLL));
                unwritten = unwritten();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return unwritten;
    }

    private int unwritten() {
        return (int) outstanding.values().stream()
                .filter(own -> own.writtenNanos().isEmpty())
                .count();
    }

    @Override
    public void close() {
        queue.close();
    }

    /** The status that a pod's annotation shows. */
    static MeshStatus of(NodePod pod) {
        return switch (pod.pod().annotations().getOrDefault(AmbientMetadata.REDIRECTION, "")) {
            case "enabled" -> MeshStatus.ENABLED;
            case "pending" -> MeshStatus.PENDING;
            default -> MeshStatus.NONE;
        };
    }

    private static Optional<String> value(MeshStatus status) {
        return switch (status) {
            case ENABLED -> Optional.of("enabled");
            case PENDING -> Optional.of("pending");
            case NONE -> Optional.empty();
        };
    }

    private boolean write(String uid) {
        Outstanding own = outstanding.get(uid);
        if (own == null || own.writtenNanos().isPresent()) {
            return true;
        }
        AmbientPod pod = own.pod();
        try {
            boolean present =
                    api.annotate(pod.namespace(), pod.name(), uid, AmbientMetadata.REDIRECTION, value(own.status()));
            Outstanding written = new Outstanding(pod, own.status(), Optional.of(System.nanoTime()));
            trouble = "";
            // Not if something else is to be written by now.
            if (present) {
                outstanding.replace(uid, own, written);
            } else {
                outstanding.remove(uid, own);
            }
            return true;
        } catch (KubernetesClientException e) {
            String reason = ApiFailure.describe(e, "patch on pods/status");
            if (!reason.equals(trouble)) {
                trouble = reason;
                LOG.warn(
                        "cannot set the annotation {} of pod {} and perhaps others, retrying: {}",
                        AmbientMetadata.REDIRECTION,
                        pod,
                        reason);
            }
            return false;
        }
    }
}
