// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.netlink.NfBatch;
import dev.meshcni.nftables.AmbientTables;
import dev.meshcni.redirect.AmbientRules;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.RuleDifference;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The tables of nf_tables that Istio's node agent leaves in an ambient pod. A pod that has them with the rules of its
 * plan needs no others; but rules that are written here take their place.
 */
record AmbientTablesLayer() implements Layer {
    private static final String WHAT = "the tables of Istio's node agent";

    /** Returns whether a namespace with this plan may hold such tables: that of an ambient pod, or of a former one. */
    static boolean concerns(RedirectPlan plan) {
        return plan.ruleSets().isEmpty()
                || plan.routing().filter(AmbientRules.ROUTING::equals).isPresent();
    }

    @Override
    public void apply(NetfilterTables netfilter, Undo undo, Consumer<String> steps) {
        AmbientTables found = found(netfilter);
        if (found.isEmpty()) {
            return;
        }
        undo.push(WHAT, () -> {
            NfBatch back = new NfBatch();
            found.restore(netfilter.tables(), back);
            transact(netfilter, back);
        });
        NfBatch batch = new NfBatch();
        found.delete(batch);
        transact(netfilter, batch);
        steps.accept(WHAT);
    }

    @Override
    public List<RuleDifference> differences(NetfilterTables netfilter) {
        return found(netfilter).unexpected();
    }

    /** The differences of these tables from a plan for an ambient pod; empty if there are no such tables. */
    static Optional<List<RuleDifference>> differences(NetfilterTables netfilter, RedirectPlan plan) {
        if (plan.ruleSets().isEmpty()) {
            return Optional.empty();
        }
        AmbientTables found = found(netfilter);
        return found.isEmpty() ? Optional.empty() : Optional.of(found.differences(plan.ruleSets()));
    }

    private static AmbientTables found(NetfilterTables netfilter) {
        return new AmbientTables(netfilter.list(AmbientTables::isOne).tables());
    }

    private static void transact(NetfilterTables netfilter, NfBatch batch) {
        if (!batch.isEmpty()) {
            netfilter.transact(batch);
        }
    }
}
