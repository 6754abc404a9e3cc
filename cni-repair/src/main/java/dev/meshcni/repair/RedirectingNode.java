// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import static java.util.Objects.requireNonNull;

import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Whether a pod that replaces another one on this node would be redirected.
 *
 * @param cannotRedirect why a pod that starts now would not be redirected; empty if it would
 * @param redirections the number of pods that runtimes have asked this agent to redirect, which proves that they call
 *     the plugin
 */
public record RedirectingNode(Supplier<Optional<String>> cannotRedirect, LongSupplier redirections) {
    public RedirectingNode {
        requireNonNull(cannotRedirect, "cannotRedirect is null");
        requireNonNull(redirections, "redirections is null");
    }
}
