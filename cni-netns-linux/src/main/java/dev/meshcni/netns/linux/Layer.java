// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.rules.RuleDifference;
import java.util.List;
import java.util.function.Consumer;

/**
 * One place where rules of ours can be in a network namespace, and what it should hold. All methods work on the
 * namespace of the calling thread.
 */
sealed interface Layer permits AmbientTablesLayer, IptablesLayer, NetlinkLayer {
    /**
     * Makes it hold what it should, and reads the result back. Changes nothing if it does already.
     *
     * @param netfilter the tables of the namespace
     * @param undo is given what takes each change back
     * @param steps is told each change
     */
    void apply(NetfilterTables netfilter, Undo undo, Consumer<String> steps);

    /** The differences from what it should be. */
    List<RuleDifference> differences(NetfilterTables netfilter);
}
