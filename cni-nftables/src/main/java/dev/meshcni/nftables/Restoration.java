// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.nftables;

import dev.meshcni.netlink.Expression;
import dev.meshcni.netlink.Expression.Lookup;
import dev.meshcni.netlink.KernelRule;
import dev.meshcni.netlink.KernelSet;
import dev.meshcni.netlink.NfBatch;
import dev.meshcni.netlink.NfTables;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Makes a table with all that is in it: one of ours, or one that was there, with its counters. */
final class Restoration {
    private final NfBatch batch;
    private final TableSnapshot wanted;
    private final Map<String, KernelSet> sets = new HashMap<>();

    private Restoration(NfBatch batch, TableSnapshot wanted) {
        this.batch = batch;
        this.wanted = wanted;
    }

    /** Adds to a batch what makes a table that is not there. */
    static void add(NfBatch batch, TableSnapshot wanted) {
        new Restoration(batch, wanted).add();
    }

    private void add() {
        String table = "the table " + wanted.table().name();
        batch.add(() -> table, NfTables.add(wanted.table()));
        wanted.chains().forEach(chain -> batch.add(() -> table + ", chain " + chain.name(), NfTables.add(chain)));
        wanted.objects().forEach(object -> batch.add(() -> table + ", " + object.name(), NfTables.add(object)));
        wanted.sets().forEach((set, elements) -> {
            KernelSet numbered = numbered(set);
            batch.add(() -> table + ", set " + set.name(), NfTables.add(numbered));
            NfTables.add(numbered, elements)
                    .forEach(part -> batch.add(() -> table + ", elements of set " + set.name(), part));
        });
        wanted.rules()
                .forEach(rule -> batch.add(
                        () -> table + ", chain " + rule.chain() + ": " + IptablesRuleReader.text(rule.expressions()),
                        NfTables.append(withSets(rule))));
    }

    /** A set without a name of its own is known by a number until the kernel has given it one. */
    private KernelSet numbered(KernelSet set) {
        String name = set.anonymous() ? KernelSet.ANONYMOUS_NAME : set.name();
        KernelSet numbered = new KernelSet(
                set.family(),
                set.table(),
                name,
                batch.size() + 1,
                set.flags(),
                set.keyType(),
                set.keyLength(),
                set.more());
        sets.put(set.name(), numbered);
        return numbered;
    }

    private KernelRule withSets(KernelRule rule) {
        List<Expression> expressions =
                rule.expressions().stream().map(this::withSet).toList();
        return new KernelRule(rule.family(), rule.table(), rule.chain(), 0, expressions, rule.userdata());
    }

    private Expression withSet(Expression expression) {
        if (expression instanceof Lookup lookup && sets.containsKey(lookup.set())) {
            KernelSet set = sets.get(lookup.set());
            return new Lookup(lookup.register(), set.name(), set.id(), lookup.inverted());
        }
        return expression;
    }
}
