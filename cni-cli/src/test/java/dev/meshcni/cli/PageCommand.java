// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * A command that a page tells its reader to type, or an example in the help of a command.
 *
 * @param place where it stands
 * @param words the program and its arguments, without quotes
 * @param piped whether it reads what another command prints
 */
record PageCommand(String place, List<String> words, boolean piped) {
    /** Programs that pages call; anything else in code is a name, a file or a value. */
    private static final List<String> PROGRAMS = List.of(
            "./dev",
            "ctr",
            "docker",
            "export",
            "helm",
            "install-cni",
            "kind",
            "kubectl",
            "meshcni",
            "mvn",
            "skopeo",
            "source");

    PageCommand {
        words = words.size() > 1
                        && words.get(0).equals("kubectl")
                        && words.get(1).equals("meshcni")
                ? List.copyOf(words.subList(1, words.size()))
                : List.copyOf(words);
    }

    /** The program, also where a path leads to it. */
    String program() {
        return words.getFirst().replaceFirst("^target/dist/bin/", "");
    }

    List<String> arguments() {
        return words.subList(1, words.size());
    }

    /** The commands of a page: every line of its shell blocks, and what stands as a whole command in its text. */
    static List<PageCommand> of(String page) {
        List<PageCommand> commands = new ArrayList<>();
        for (Pages.Block block : Pages.blocks(page)) {
            if (block.language().equals("sh")) {
                block.text()
                        .replace("\\\n", " ")
                        .replace("|\n", "| ")
                        .lines()
                        .filter(line -> !line.isBlank() && !line.startsWith("#"))
                        .forEach(line -> commands.addAll(parse(block.place(), line)));
            }
        }
        for (Pages.Span span : Pages.spans(page)) {
            List<PageCommand> parsed = parse(span.place(), span.text());
            PageCommand first = parsed.getFirst();
            if (PROGRAMS.contains(first.program()) && !first.arguments().isEmpty()) {
                commands.addAll(parsed);
            }
        }
        return commands;
    }

    /**
     * The commands of a line, which is a pipe or a single one; what follows {@code >}, {@code &&} or {@code #} is left
     * out.
     */
    static List<PageCommand> parse(String place, String line) {
        List<PageCommand> commands = new ArrayList<>();
        List<String> words = new ArrayList<>();
        for (String word : split(line)) {
            if (word.equals("|")) {
                commands.add(new PageCommand(place, words, !commands.isEmpty()));
                words = new ArrayList<>();
            } else if (words.isEmpty() && word.equals("sudo")) {
                continue;
            } else if (Stream.of(">", "#", "&&").anyMatch(word::startsWith)) {
                break;
            } else {
                words.add(word);
            }
        }
        commands.add(new PageCommand(place, words.isEmpty() ? List.of("") : words, !commands.isEmpty()));
        return commands;
    }

    /** Words as a shell makes them of a line that has simple quotes only. */
    private static List<String> split(String line) {
        List<String> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        char quote = 0;
        for (char c : (line.strip() + " ").toCharArray()) {
            if (quote != 0) {
                if (c == quote) {
                    quote = 0;
                } else {
                    word.append(c);
                }
            } else if (c == '\'' || c == '"') {
                quote = c;
            } else if (c == ' ') {
                if (!word.isEmpty()) {
                    words.add(word.toString());
                }
                word.setLength(0);
            } else {
                word.append(c);
            }
        }
        return words;
    }

    @Override
    public String toString() {
        return String.join(" ", words);
    }
}
