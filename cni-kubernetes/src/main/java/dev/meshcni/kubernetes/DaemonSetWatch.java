// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import static java.util.Objects.requireNonNull;

import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Knows from this daemon's DaemonSet why the daemon has to end: it is an uninstallation if the DaemonSet was there, and
 * is gone or being deleted, or does not mean this node any more.
 *
 * <p>The API server is asked at the end, and the DaemonSet is watched until then, because an uninstallation often takes
 * the right to ask away before it comes to us. The decision is in
 * docs/decisions/0006-telling-restart-from-uninstall.md.
 */
public final class DaemonSetWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DaemonSetWatch.class);

    private final KubernetesApi api;
    private final String namespace;
    private final String name;
    private final SharedIndexInformer<DaemonSet> informer;
    private volatile Known known = Known.NEVER_SEEN;

    /** The last state observed by the watch. */
    private enum Known {
        NEVER_SEEN,
        PRESENT,
        GOING
    }

    private DaemonSetWatch(KubernetesApi api, String namespace, String name) {
        this.api = requireNonNull(api, "api is null");
        this.namespace = requireNonNull(namespace, "namespace is null");
        this.name = requireNonNull(name, "name is null");
        this.informer = api.daemonSets(namespace, name);
    }

    /** Starts to watch; nothing is waited for. */
    public static DaemonSetWatch start(KubernetesApi api, String namespace, String name) {
        DaemonSetWatch watch = new DaemonSetWatch(api, namespace, name);
        watch.informer.addEventHandler(watch.new Events());
        watch.informer.exceptionHandler((_, failure) -> {
            LOG.debug("watch of DaemonSet {}/{} failed: {}", namespace, name, failure.toString());
            return true;
        });
        CompletionStage<Void> _ = watch.informer.start().whenComplete((_, failure) -> watch.report(failure));
        return watch;
    }

    /**
     * Returns whether this daemon ends because it is uninstalled.
     *
     * @param patience how long the API server may take to answer
     */
    public boolean meansUninstall(Duration patience) {
        if (known == Known.NEVER_SEEN) {
            LOG.info("DaemonSet {}/{} was never observed, assuming a restart", namespace, name);
            return false;
        }
        CompletableFuture<Boolean> answer = CompletableFuture.supplyAsync(this::look, DaemonSetWatch::inThread);
        try {
            return answer.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            LOG.info("cannot get DaemonSet {}/{}: {}", namespace, name, reason(e.getCause()));
        } catch (TimeoutException e) {
            LOG.info("cannot get DaemonSet {}/{}: no answer within {} ms", namespace, name, patience.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return answer(known, "present, according to the last observed state");
    }

    private boolean look() {
        Optional<DaemonSet> daemonSet = api.daemonSet(namespace, name);
        Known now = daemonSet.map(DaemonSetWatch::of).orElse(Known.GOING);
        if (now == Known.PRESENT && !means(NodeSelection.of(daemonSet.orElseThrow()))) {
            LOG.info("DaemonSet {}/{} no longer selects this node", namespace, name);
            return true;
        }
        return answer(now, "present");
    }

    /**
     * Returns whether a selection includes this node; it does unless the node's labels can be seen to say otherwise.
     */
    private boolean means(NodeSelection selection) {
        if (selection.includesAllNodes()) {
            return true;
        }
        try {
            return api.node().map(selection::includes).orElse(true);
        } catch (KubernetesClientException e) {
            LOG.info("cannot get node {}: {}", api.nodeName(), reason(e));
            return true;
        }
    }

    private boolean answer(Known last, String otherwise) {
        boolean going = last == Known.GOING;
        LOG.info("DaemonSet {}/{} is {}", namespace, name, going ? "gone or being deleted" : otherwise);
        return going;
    }

    /** Returns whether the DaemonSet was ever seen, without which the end of this daemon always counts as a restart. */
    boolean hasSeenDaemonSet() {
        return known != Known.NEVER_SEEN;
    }

    /** Returns whether the watch has shown that the DaemonSet is going or gone. */
    boolean hasSeenDeletion() {
        return known == Known.GOING;
    }

    @Override
    public void close() {
        informer.stop();
    }

    private void report(Throwable failure) {
        if (failure != null) {
            LOG.warn("cannot watch DaemonSet {}/{}: {}", namespace, name, reason(failure));
        } else if (known == Known.NEVER_SEEN) {
            LOG.warn(
                    "DaemonSet {}/{} not found: deletion will not be detected, run \"meshcni uninstall\" on this"
                            + " node to uninstall",
                    namespace,
                    name);
        }
    }

    private static void inThread(Runnable task) {
        Thread.ofVirtual().name("daemon-set").start(task);
    }

    private static Known of(DaemonSet daemonSet) {
        return daemonSet.getMetadata().getDeletionTimestamp() == null ? Known.PRESENT : Known.GOING;
    }

    private static String reason(Throwable failure) {
        return failure instanceof KubernetesClientException refused && refused.getCode() > 0
                ? "HTTP status " + refused.getCode()
                : failure.toString();
    }

    private final class Events implements ResourceEventHandler<DaemonSet> {
        @Override
        public void onAdd(DaemonSet daemonSet) {
            known = of(daemonSet);
        }

        @Override
        public void onUpdate(DaemonSet old, DaemonSet daemonSet) {
            known = of(daemonSet);
        }

        @Override
        public void onDelete(DaemonSet daemonSet, boolean finalStateUnknown) {
            known = Known.GOING;
        }
    }
}
