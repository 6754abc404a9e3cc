// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.NamespaceHandle;
import dev.meshcni.core.spi.RedirectException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * What the backends have in common: what works on this node is found out once, when it is needed, and used for each
 * pod. Safe for use by many threads.
 */
final class LinuxBackend {
    private final HostPaths hostPaths;
    private final Consumer<String> steps;
    private final Supplier<NodeTools> find;
    private final NamespaceSession.Occupancy occupancy = new NamespaceSession.Occupancy();
    private volatile NodeTools tools;

    /**
     * For one backend.
     *
     * @param hostPaths where this process finds the namespaces that the container runtime names
     * @param steps is told after each single change of a namespace that it was made; tests fail there
     * @param find tries the tools of this node; throws {@link RedirectException} if none works, with what was tried and
     *     what to install
     */
    LinuxBackend(HostPaths hostPaths, Consumer<String> steps, Supplier<NodeTools> find) {
        this.hostPaths = Objects.requireNonNull(hostPaths, "hostPaths is null");
        this.steps = Objects.requireNonNull(steps, "steps is null");
        this.find = Objects.requireNonNull(find, "find is null");
    }

    /** The same node for a backend that finds its tools in another way. */
    LinuxBackend with(Supplier<NodeTools> other) {
        return new LinuxBackend(hostPaths, steps, other);
    }

    /** The tools that work here, for the log, and the families for which they do not. */
    String detect() {
        NodeTools found = tools();
        return found.version()
                + found.problems().keySet().stream()
                        .map(family -> ", no " + family.label())
                        .collect(Collectors.joining());
    }

    NamespaceHandle open(Path netns, Deadline deadline) {
        return handle(NamespaceSession.open(netns, hostPaths, occupancy, deadline));
    }

    NamespaceHandle begin(Path netns, Deadline deadline) {
        return handle(NamespaceSession.begin(netns, hostPaths, occupancy, deadline));
    }

    private NamespaceHandle handle(NamespaceSession session) {
        return new SessionHandle(session, this::tools, steps);
    }

    private NodeTools tools() {
        NodeTools known = tools;
        if (known == null) {
            synchronized (this) {
                known = tools == null ? new KnownPlans(find.get()) : tools;
                tools = known;
            }
        }
        return known;
    }
}
