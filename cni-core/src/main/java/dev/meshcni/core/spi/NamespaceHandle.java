// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core.spi;

import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.RuleDifference;
import java.net.InetAddress;
import java.util.List;

/**
 * One network namespace, opened: whatever its path leads to later, all that is done through a handle is done in this
 * one.
 *
 * <p>While it is open, no other handle for the same namespace exists in the same backend. For one thread. All methods
 * that touch the namespace throw {@link dev.meshcni.core.spi.RedirectException} when a step fails, or when the deadline
 * that the handle was opened with has passed; what goes on in the namespace at that moment comes to its end there, and
 * the namespace is locked until then.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public interface NamespaceHandle extends AutoCloseable {
    /** Which namespace this is. */
    NamespaceId id();

    /**
     * Returns whether this is the network namespace that this process itself is in, or the node's. The agent refuses
     * it: changes intended for a pod would affect the node.
     */
    boolean isOwn();

    /**
     * The addresses of all interfaces of the namespace except loopback, link-local ones left out, in the order in which
     * the kernel lists them.
     */
    List<InetAddress> addresses();

    /**
     * Makes the namespace hold just what the plan says, in all tables of all families or in none: on a failure what was
     * there before is put back. Reads the result back and compares it before it returns. Applying a plan that is there
     * already changes nothing.
     */
    void apply(RedirectPlan plan);

    /** Returns the differences between the namespace and the plan, without changing anything; empty if they match. */
    List<RuleDifference> differences(RedirectPlan plan);

    /**
     * Removes everything that any {@link #apply} has put there, whatever plan it was. Rules of others stay. Does
     * nothing where nothing of ours is.
     */
    void remove();

    /** Lets go of the namespace. Does not wait for what is still going on in it. */
    @Override
    void close();
}
