// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.UnreadableRulesException;
import dev.meshcni.netfilter.IptablesEdit;
import dev.meshcni.netfilter.IptablesSave;
import dev.meshcni.netfilter.RuleSetComparison;
import dev.meshcni.rules.RuleDifference;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.Table;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Consumer;

/** The rules of one family in one variant of iptables. */
record IptablesLayer(IptablesTool tool, RuleSet wanted) implements Layer {
    @Override
    public void apply(NetfilterTables netfilter, Undo undo, Consumer<String> steps) {
        // A new pod has none: then nothing is read, and nothing can be deleted.
        boolean there = tool.hasTables(netfilter, wanted.family());
        if (!there && wanted.tables().isEmpty()) {
            return;
        }
        OptionalInt generation =
                there && tool.kind() == IptablesTool.Kind.NFT ? netfilter.generation() : OptionalInt.empty();
        String before = there ? tool.save(wanted.family()) : "";
        IptablesEdit edit = IptablesEdit.of(wanted, parse(before));
        if (edit.isEmpty()) {
            return;
        }
        String what = "the " + wanted.family().label() + " rules";
        // Tables are loaded one after the other: a failure can leave the first of them.
        undo.push(what, () -> tool.replace(wanted.family(), edit.undo(before)));
        if (!edit.changes().isEmpty()) {
            tool.add(wanted.family(), edit.changes());
            steps.accept(what);
        }
        if (!edit.emptied().isEmpty()) {
            empty(netfilter, edit, generation);
            steps.accept(what + " that are no longer needed");
        }
        RuleDifferences.requireNone(differences(netfilter));
        steps.accept("reading back " + what);
    }

    @Override
    public List<RuleDifference> differences(NetfilterTables netfilter) {
        String saved = tool.hasTables(netfilter, wanted.family()) ? tool.save(wanted.family()) : "";
        return RuleSetComparison.differences(wanted, parse(saved));
    }

    /**
     * Takes out the tables that held nothing but our rules; by netlink where nothing else changes, as the program would
     * wait for the kernel's clearing up.
     */
    private void empty(NetfilterTables netfilter, IptablesEdit edit, OptionalInt generation) {
        boolean alone = edit.changes().isEmpty() && generation.isPresent();
        if (!alone || !netfilter.deleteOfNft(wanted.family(), edit.emptiedTables(), generation.getAsInt())) {
            tool.replace(wanted.family(), edit.emptied());
        }
    }

    private IptablesSave parse(String saved) {
        try {
            IptablesSave parsed = IptablesSave.parse(saved);
            wanted.tables().keySet().stream()
                    .map(Table::label)
                    .filter(parsed.unreadable()::contains)
                    .forEach(table -> {
                        throw new UnreadableRulesException(
                                "the " + wanted.family().label() + " table " + table
                                        + " contains rules created with nft that iptables cannot read");
                    });
            return parsed;
        } catch (IllegalArgumentException e) {
            throw new UnreadableRulesException("cannot parse the output of iptables-save: " + e.getMessage(), e);
        }
    }
}
