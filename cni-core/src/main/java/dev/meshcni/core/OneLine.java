package dev.meshcni.core;

import java.util.regex.Pattern;

/** Texts of others, as they may be shown on a terminal and written into a log: they end no line there and give no orders. */
public final class OneLine {
    /** Characters that control a terminal, the order of characters, or the end of a line, and halves of characters. */
    private static final Pattern CONTROL = Pattern.compile("[\\p{Cc}\\p{Cf}\\p{Cs}\\u2028\\u2029]");

    private OneLine() {}

    /** The text with a question mark for each character that is not shown as itself. */
    public static String of(String text) {
        return CONTROL.matcher(text).replaceAll("?");
    }
}
