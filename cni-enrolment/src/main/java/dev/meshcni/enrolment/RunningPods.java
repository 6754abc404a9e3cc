// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.enrolment;

import static java.util.Objects.requireNonNull;

import dev.meshcni.ambient.PodNamespaces;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.NamespaceHandle;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.kubernetes.NodePod;
import dev.meshcni.kubernetes.PodIdentities;
import dev.meshcni.libc.SharedDescriptor;
import dev.meshcni.repair.PodNetns;
import dev.meshcni.repair.PodNetnsFinder;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens the network namespaces of pods that run, by their processes. A namespace counts as a pod's only if it has one
 * of the addresses that the pod has for the API server.
 */
final class RunningPods {
    private static final Logger LOG = LoggerFactory.getLogger(RunningPods.class);

    /** Why a pod's namespace is not among those that were opened. */
    static final String NOT_FOUND = "no process of the pod is running in a network namespace with one of its addresses";

    private static final Duration TIME_TO_READ = Duration.ofSeconds(10);

    private final PodNetnsFinder finder;
    private final PodNamespaces namespaces;
    private final RedirectBackend backend;

    RunningPods(PodNetnsFinder finder, PodNamespaces namespaces, RedirectBackend backend) {
        this.finder = requireNonNull(finder, "finder is null");
        this.namespaces = requireNonNull(namespaces, "namespaces is null");
        this.backend = requireNonNull(backend, "backend is null");
    }

    /**
     * Opens the namespaces of some pods by one look at all processes; those that are not found are left out.
     *
     * @param identities which of the node's pods they are
     * @return by UID; the caller closes them
     */
    Map<String, SharedDescriptor> open(Collection<NodePod> pods, PodIdentities identities) {
        Map<String, NodePod> byRuntimeUid = new HashMap<>();
        pods.forEach(pod -> identities.runtimeUid(pod.pod()).ifPresent(uid -> byRuntimeUid.put(uid, pod)));
        Map<String, SharedDescriptor> opened = new HashMap<>();
        if (byRuntimeUid.isEmpty()) {
            return opened;
        }
        finder.find(Set.copyOf(byRuntimeUid.keySet())).forEach((uid, netns) -> {
            NodePod pod = byRuntimeUid.get(uid);
            open(pod, netns).ifPresent(namespace -> opened.put(pod.pod().uid(), namespace));
        });
        return opened;
    }

    private Optional<SharedDescriptor> open(NodePod pod, PodNetns netns) {
        SharedDescriptor namespace;
        try {
            namespace = namespaces.open(netns.path());
        } catch (RedirectException e) {
            LOG.debug("pod {}: {}", pod.key(), e.getMessage());
            return Optional.empty();
        }
        try {
            // A process that is still the same was so when its namespace was opened.
            if (finder.isStill(netns) && hasAddress(pod, namespace)) {
                return Optional.of(namespace);
            }
        } catch (RedirectException e) {
            LOG.debug("pod {}: {}", pod.key(), e.getMessage());
        }
        namespace.close();
        return Optional.empty();
    }

    private boolean hasAddress(NodePod pod, SharedDescriptor namespace) {
        try (NamespaceHandle handle = backend.open(namespace.path(), Deadline.after(TIME_TO_READ))) {
            return handle.addresses().stream().anyMatch(pod.addresses()::contains);
        }
    }
}
