// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import dev.meshcni.rules.InvalidParameterException;
import dev.meshcni.rules.Nearest;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Annotations of a pod that were probably meant for the redirection, but have a name that nothing reads: Istio ignores
 * them without a word.
 */
public final class UnreadAnnotations {
    private static final String TRAFFIC = "traffic.sidecar.istio.io/";
    private static final String ISTIO = "istio.io";

    /** The most mistakes of one pod that are kept and reported: its author writes as many as fit. */
    public static final int MOST = 3;

    /** The longest name of an annotation: a prefix of 253 letters, and 63 behind the slash. */
    private static final int LONGEST_NAME = 317;

    /** More letters that differ make another name of Istio's. */
    private static final int TYPING_ERRORS = 2;

    private UnreadAnnotations() {}

    /** A warning for each of them, sorted. */
    public static List<String> warnings(Pod pod) {
        List<String> warnings = new ArrayList<>();
        // Nearly every pod has none, and each ADD asks.
        for (String name : pod.annotations().keySet()) {
            warning(name).ifPresent(warnings::add);
        }
        warnings.sort(null);
        return List.copyOf(warnings);
    }

    /** Returns whether an annotation of this name was probably meant for the redirection, and is not read. */
    public static boolean isMistake(String name) {
        return name.length() <= LONGEST_NAME && warning(name).isPresent();
    }

    /** An annotation of Istio's that is none of those that are read. */
    private static boolean isUnknown(String name) {
        int slash = name.indexOf('/');
        return slash >= ISTIO.length()
                && name.startsWith(ISTIO, slash - ISTIO.length())
                && !PodFields.ANNOTATIONS.contains(name);
    }

    private static Optional<String> warning(String name) {
        if (!isUnknown(name)) {
            return Optional.empty();
        }
        Optional<String> meant = meant(name);
        return meant.isPresent() || name.startsWith(TRAFFIC)
                ? Optional.of("annotation " + InvalidParameterException.quote(name) + " has no effect"
                        + meant.map(known -> ", did you mean " + known + "?").orElse(": there is no such annotation"))
                : Optional.empty();
    }

    /** The name with few typing errors, or below another prefix. */
    private static Optional<String> meant(String name) {
        String word = word(name);
        return PodFields.ANNOTATIONS.stream()
                .filter(known -> word(known).equals(word)
                        || (prefix(known).equals(prefix(name)) && Nearest.distance(word(known), word) <= TYPING_ERRORS))
                .sorted()
                .findFirst();
    }

    private static String prefix(String name) {
        return name.substring(0, name.indexOf('/') + 1);
    }

    private static String word(String name) {
        return name.substring(name.indexOf('/') + 1).toLowerCase(Locale.ROOT);
    }
}
