// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import java.io.Console;
import java.util.Optional;
import java.util.stream.Collectors;

/** Sentences for a terminal: cut where a word ends, instead of where the line does. Programs get them whole. */
final class Columns {
    private static final int MOST = 100;
    private static final int INDENT = 4;

    private Columns() {}

    /** The text as it is for a pipe or a file, and in lines of 100 columns for a terminal. */
    static String fit(String text) {
        return Optional.ofNullable(System.console()).filter(Console::isTerminal).isPresent() ? wrap(text) : text;
    }

    /** The text in lines of 100 columns, as far as its words allow; what is continued is indented. */
    static String wrap(String text) {
        return text.lines()
                .map(Columns::wrapLine)
                .collect(Collectors.joining("\n", "", text.endsWith("\n") ? "\n" : ""));
    }

    private static String wrapLine(String line) {
        String indent = " ".repeat(line.length() - line.stripLeading().length() + INDENT);
        StringBuilder wrapped = new StringBuilder();
        String rest = line;
        while (rest.length() > MOST) {
            int end = rest.lastIndexOf(' ', MOST);
            if (rest.substring(0, Math.max(end, 0)).isBlank()) {
                break;
            }
            wrapped.append(rest, 0, end).append('\n');
            rest = indent + rest.substring(end + 1);
        }
        return wrapped.append(rest).toString();
    }
}
