// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;

/** Lists names in a sentence: a cluster has more of them than a line holds. */
final class Names {
    private static final int SHOWN = 5;

    private Names() {}

    /** The first few by the alphabet, and how many more there are. */
    static String few(Collection<String> names) {
        List<String> sorted = names.stream().distinct().sorted().toList();
        String shown = sorted.stream().limit(SHOWN).collect(Collectors.joining(", "));
        return sorted.size() <= SHOWN ? shown : shown + " and " + (sorted.size() - SHOWN) + " more";
    }

    /** A number with its noun, such as {@code 1 pod} or {@code 3 pods}. */
    static String count(int number, String noun) {
        return count(number, noun, noun + "s");
    }

    /** The same with a plural that is not made with an s. */
    static String count(int number, String noun, String plural) {
        return number + " " + (number == 1 ? noun : plural);
    }
}
