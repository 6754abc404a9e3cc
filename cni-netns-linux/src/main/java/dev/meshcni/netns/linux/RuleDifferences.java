// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.rules.RuleDifference;
import java.util.List;
import java.util.stream.Collectors;

/** Compares what the kernel shows with what it was told. */
final class RuleDifferences {
    private RuleDifferences() {}

    /**
     * Accepts what was read back only if it is what was meant.
     *
     * @throws RedirectException with all differences
     */
    static void requireNone(List<RuleDifference> differences) {
        if (!differences.isEmpty()) {
            throw new RedirectException("rules read back from the kernel differ from those loaded: "
                    + differences.stream().map(RuleDifference::toString).collect(Collectors.joining("; ")));
        }
    }
}
