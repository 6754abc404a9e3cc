// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import static java.util.Objects.requireNonNull;

import dev.meshcni.kubernetes.ApiFailure;
import dev.meshcni.kubernetes.KubernetesApi;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.Taint;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The node that this daemon serves, watched: what others do to it, or to a node that registers again under its name.
 */
final class NodeWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NodeWatch.class);

    private final KubernetesApi api;
    private final SharedIndexInformer<Node> informer;
    private volatile Optional<Set<String>> taints = Optional.empty();

    private NodeWatch(KubernetesApi api) {
        this.api = requireNonNull(api, "api is null");
        this.informer = api.nodes();
    }

    /** Starts to watch; nothing is waited for. */
    static NodeWatch start(KubernetesApi api) {
        NodeWatch watch = new NodeWatch(api);
        watch.informer.addEventHandler(watch.new Events());
        watch.informer.exceptionHandler((_, failure) -> {
            LOG.debug("watch of node {} failed: {}", api.nodeName(), failure.toString());
            return true;
        });
        CompletionStage<Void> _ = watch.informer.start().whenComplete((_, failure) -> watch.report(failure));
        return watch;
    }

    /** Returns whether the node has a taint; empty if that is unknown, such as without the right to watch nodes. */
    Optional<Boolean> hasTaint(String key) {
        return informer.isWatching() ? taints.map(keys -> keys.contains(key)) : Optional.empty();
    }

    @Override
    public void close() {
        informer.stop();
    }

    private void report(Throwable failure) {
        if (failure != null) {
            LOG.warn(
                    "cannot watch node {}: {}; it is read at intervals instead",
                    api.nodeName(),
                    ApiFailure.describe(failure, "list or watch on nodes"));
        }
    }

    private static Set<String> keys(Node node) {
        return KubernetesApi.taints(node).stream().map(Taint::getKey).collect(Collectors.toUnmodifiableSet());
    }

    private final class Events implements ResourceEventHandler<Node> {
        @Override
        public void onAdd(Node node) {
            taints = Optional.of(keys(node));
        }

        @Override
        public void onUpdate(Node old, Node node) {
            taints = Optional.of(keys(node));
        }

        @Override
        public void onDelete(Node node, boolean finalStateUnknown) {
            taints = Optional.empty();
        }
    }
}
