// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.RuleText;
import dev.meshcni.rules.Table;
import java.util.List;

/** Rules of a chain as lines that tests can compare. */
final class RuleLines {
    private RuleLines() {}

    static List<String> of(RuleSet rules, Table table, String chain) {
        return rules.chain(table, chain).orElseThrow().rules().stream()
                .map(rule -> RuleText.condition(rule) + " → " + RuleText.target(rule.target()))
                .toList();
    }
}
