// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.NamespaceHandle;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.core.spi.RedirectException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * A backend that redirects with what works on this node: that is found out once, when it is needed, and used for each
 * pod. Safe for use by many threads.
 */
public abstract sealed class LinuxBackend implements RedirectBackend permits IptablesBackend, NftBackend {
    private final HostPaths hostPaths;
    private final PodRules podRules;
    private final NamespaceSession.Occupancy occupancy = new NamespaceSession.Occupancy();
    private volatile NodeTools tools;

    LinuxBackend(HostPaths hostPaths, PodRules podRules) {
        this.hostPaths = Objects.requireNonNull(hostPaths, "hostPaths is null");
        this.podRules = Objects.requireNonNull(podRules, "podRules is null");
    }

    /**
     * Tries the tools of this node.
     *
     * @throws RedirectException if none works, with what was tried and what to install
     */
    abstract NodeTools find();

    final HostPaths hostPaths() {
        return hostPaths;
    }

    final PodRules podRules() {
        return podRules;
    }

    @Override
    public final String detect() {
        NodeTools found = tools();
        return found.version()
                + found.problems().keySet().stream()
                        .map(family -> ", no " + family.label())
                        .collect(Collectors.joining());
    }

    @Override
    public final boolean withThrowaway(Consumer<Path> action) {
        return NetworkNamespace.withNew(action);
    }

    @Override
    public final NamespaceHandle open(Path netns, Deadline deadline) {
        NamespaceSession session = NamespaceSession.open(netns, hostPaths, occupancy, deadline);
        return new SessionHandle(session, podRules, this::tools);
    }

    private NodeTools tools() {
        NodeTools known = tools;
        if (known == null) {
            synchronized (this) {
                known = tools == null ? new KnownPlans(find()) : tools;
                tools = known;
            }
        }
        return known;
    }
}
