// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netfilter;

import dev.meshcni.rules.RuleDifference;
import dev.meshcni.rules.RuleDifference.Kind;
import java.util.ArrayList;
import java.util.List;

/** Compares two lists of rules in which order counts. */
final class OrderedRules {
    private OrderedRules() {}

    /**
     * The differences, each with the rule as it is written behind a prefix.
     *
     * @param want the rules as they should be
     * @param have the rules as they are
     */
    static List<RuleDifference> differences(String place, String prefix, List<String> want, List<String> have) {
        List<RuleDifference> differences = new ArrayList<>();
        List<String> missing = without(want, have);
        List<String> unexpected = without(have, want);
        missing.forEach(rule -> differences.add(new RuleDifference(Kind.MISSING, place, prefix + rule)));
        unexpected.forEach(rule -> differences.add(new RuleDifference(Kind.UNEXPECTED, place, prefix + rule)));
        List<String> wantBoth = without(want, missing);
        List<String> haveBoth = without(have, unexpected);
        for (int i = 0; i < wantBoth.size(); i++) {
            if (!wantBoth.get(i).equals(haveBoth.get(i))) {
                differences.add(new RuleDifference(Kind.MISPLACED, place, prefix + haveBoth.get(i)));
                break;
            }
        }
        return differences;
    }

    /** The elements of the first list less those of the second, one for one. */
    private static List<String> without(List<String> list, List<String> taken) {
        List<String> toTake = new ArrayList<>(taken);
        return list.stream().filter(element -> !toTake.remove(element)).toList();
    }
}
