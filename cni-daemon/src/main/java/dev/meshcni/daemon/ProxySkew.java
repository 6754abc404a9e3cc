// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static java.util.Objects.requireNonNull;

import dev.meshcni.kubernetes.NodePod;
import dev.meshcni.kubernetes.PodStore;
import dev.meshcni.kubernetes.ProxyVersion;
import dev.meshcni.telemetry.AgentMetrics;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reports the proxies of this node that are too far from the version of Istio that this build was made for. */
final class ProxySkew implements PodStore.Listener {
    private static final Logger LOG = LoggerFactory.getLogger(ProxySkew.class);

    private final AgentMetrics metrics;
    private final Map<String, ProxyVersion> skewed = new ConcurrentHashMap<>();
    private final Set<ProxyVersion> reported = ConcurrentHashMap.newKeySet();

    ProxySkew(AgentMetrics metrics) {
        this.metrics = requireNonNull(metrics, "metrics is null");
    }

    @Override
    public void shown(NodePod pod) {
        Optional<ProxyVersion> version = ProxyVersion.ofImage(pod.proxyImage()).filter(found -> !found.withinSkew());
        if (version.isEmpty() || pod.stage() != NodePod.Stage.LIVE) {
            gone(pod);
            return;
        }
        skewed.put(pod.key(), version.get());
        metrics.skewed(skewed.size());
        if (reported.add(version.get())) {
            LOG.warn(
                    "proxy of pod {} is Istio {}; this build is for Istio {} and supports one minor version of"
                            + " skew. Logged once per version",
                    pod.key(),
                    version.get(),
                    ProxyVersion.COMPATIBLE);
        }
    }

    @Override
    public void gone(NodePod pod) {
        skewed.remove(pod.key());
        metrics.skewed(skewed.size());
    }
}
