// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.iptables;

import static java.util.Objects.requireNonNull;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.NamespaceHandle;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.RuleDifference;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * A network namespace that {@code meshcni iptables} sets up.
 *
 * @param backend what changes and reads it
 * @param path the file that stands for it
 */
public record Namespace(RedirectBackend backend, Path path) {
    private static final Logger LOG = System.getLogger(Namespace.class.getName());

    /** The time limit of a command in a namespace. */
    public static final Duration PATIENCE = Duration.ofMinutes(1);

    /** The namespace of this process. */
    static final Path OWN = Path.of("/proc/self/ns/net");

    public Namespace {
        requireNonNull(backend, "backend is null");
        requireNonNull(path, "path is null");
    }

    /**
     * Sets a plan up; does nothing where it is in place.
     *
     * @param replace whether what an earlier run with other flags has left may be replaced
     * @throws RedirectException if it may not, or a step fails; then all is as it was
     */
    void apply(RedirectPlan plan, boolean replace) {
        try (NamespaceHandle namespace = open()) {
            List<RuleDifference> differences = namespace.differences(plan);
            if (differences.isEmpty()) {
                LOG.log(Level.INFO, "redirection is already in place");
                return;
            }
            if (!replace && !namespace.differences(RedirectPlan.NONE).isEmpty()) {
                throw new RedirectException("a redirection from an earlier run with other flags exists here: "
                        + differences.size() + " differences, first: " + differences.getFirst()
                        + "; use --reconcile to replace it or --cleanup-only to remove it");
            }
            namespace.apply(plan);
            LOG.log(Level.INFO, "redirection applied and verified");
        }
    }

    /** Returns the differences from a plan. */
    List<RuleDifference> differences(RedirectPlan plan) {
        try (NamespaceHandle namespace = open()) {
            return namespace.differences(plan);
        }
    }

    /** The addresses that others reach it by. */
    List<InetAddress> addresses() {
        try (NamespaceHandle namespace = open()) {
            return namespace.addresses();
        }
    }

    /** Removes whatever earlier runs have left. */
    void cleanUp() {
        try (NamespaceHandle namespace = open()) {
            namespace.remove();
        }
        LOG.log(Level.INFO, "redirection removed");
    }

    private NamespaceHandle open() {
        return backend.open(path, Deadline.after(PATIENCE));
    }
}
