// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.config;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Messages of picocli's parser in the words of all others: they begin in lower case, and name no types of Java. */
final class ParserText {
    private static final Pattern ONE_OF =
            Pattern.compile("missing required argument \\(specify one of these\\): \\((.*)\\)", Pattern.DOTALL);
    private static final Pattern OTHER_MISSING =
            Pattern.compile("missing required (?:argument|option|parameter)(?:s|\\(s\\))?: '?(.*?)'?", Pattern.DOTALL);
    private static final Pattern NO_NUMBER = Pattern.compile("'([^']*)' is not an? (?:int|long)$");
    private static final Pattern POSITION = Pattern.compile("for positional parameter at index \\S+ \\(([^)]*)\\)");

    private ParserText() {}

    static String plain(String message) {
        String text = message.replaceFirst("^Error: ", "").replace(" (case-insensitive)", "");
        String lower = text.isEmpty() ? text : Character.toLowerCase(text.charAt(0)) + text.substring(1);
        Matcher choice = ONE_OF.matcher(lower);
        Matcher missing = OTHER_MISSING.matcher(lower);
        if (choice.matches()) {
            return "one of these is required: " + choice.group(1).replace(" | ", ", ");
        }
        if (missing.matches()) {
            String what = missing.group(1);
            return what.startsWith("--") ? "these options need " + what : "missing: " + what;
        }
        String position = POSITION.matcher(lower).replaceFirst("for $1");
        return NO_NUMBER.matcher(position).replaceFirst("'$1' is not a whole number");
    }
}
