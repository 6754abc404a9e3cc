// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core.spi;

import dev.meshcni.redirect.RedirectPlan;
import java.nio.file.Path;
import java.util.function.Consumer;

/**
 * Puts a {@link RedirectPlan} into a network namespace, and reads what is there. One instance serves a whole node, many
 * namespaces at once, from any thread; no call changes anything outside the namespace that it is given.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public interface RedirectBackend {
    /** The name that the configuration chooses this backend by, such as {@code iptables} or {@code nftables}. */
    String name();

    /**
     * This backend with the program that an operator chose in place of the one that it would find; itself where it has
     * no choice. Whether it works is found out by {@link #detect}.
     *
     * @param program {@code nft}, {@code legacy}, a name such as {@code iptables-nft}, or the path of such a program
     */
    default RedirectBackend with(String program) {
        return this;
    }

    /**
     * This backend with the way that an operator chose for its rules to go into the kernel; itself where it has no
     * choice.
     *
     * @param way {@code netlink} or {@code programs}
     * @throws dev.meshcni.core.spi.RedirectException if it is neither
     * @since 0.1.0
     */
    default RedirectBackend by(String way) {
        return this;
    }

    /**
     * Finds out whether and how this backend works on this node. Called once before anything else; the result is for
     * the log ("iptables-nft 1.8.9").
     *
     * @throws dev.meshcni.core.spi.RedirectException if it does not work here, with the remedy
     */
    String detect();

    /**
     * Runs an action with the path of a new network namespace, which is gone when the action ends.
     *
     * @return whether it ran; not where this process may not make namespaces
     */
    default boolean withThrowaway(Consumer<Path> action) {
        return false;
    }

    /**
     * Opens the network namespace that a path refers to, and enters it. Waits until no other handle for it is open.
     *
     * @param netns a path of the host: {@code /var/run/netns/NAME} or {@code /proc/PID/ns/net}
     * @param deadline by when everything has to be done that is done through the handle
     * @throws dev.meshcni.core.spi.NetnsException if the path leads to nothing, or to something else
     * @throws dev.meshcni.core.spi.RedirectException if the namespace cannot be entered, or not in time
     */
    NamespaceHandle open(Path netns, Deadline deadline);

    /**
     * Begins to open a namespace as {@link #open} does, for a caller that has something else to do meanwhile. What
     * fails is thrown here or by the first method of the handle that has to know the namespace.
     *
     * @since 0.1.0
     */
    default NamespaceHandle begin(Path netns, Deadline deadline) {
        return open(netns, deadline);
    }
}
