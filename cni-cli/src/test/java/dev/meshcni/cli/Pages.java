// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The pages that the project is explained on, what stands on them, and the files that they show. */
final class Pages {
    static final Path PROJECT = Path.of("..").toAbsolutePath().normalize();

    private static final Pattern FENCE = Pattern.compile("^( *)```(\\w*)$");
    private static final Pattern NAMED = Pattern.compile("^ *`([^`]+)`(?: before| after)?:$");
    private static final Pattern SPAN = Pattern.compile("`([^`]+)`");

    private Pages() {}

    /**
     * A fenced block of a page.
     *
     * @param page the page, relative to the project
     * @param line the line of its fence
     * @param language what the fence names
     * @param file the name of the file that it is, if the line before names one
     * @param text its lines, without the indentation of the fence
     */
    record Block(String page, int line, String language, Optional<String> file, String text) {
        String place() {
            return page + ":" + line;
        }
    }

    /**
     * Code within a text.
     *
     * @param page the page, relative to the project
     * @param line the line where it begins
     * @param text what it is, on one line
     */
    record Span(String page, int line, String text) {
        String place() {
            return page + ":" + line;
        }
    }

    /** README and docs/, without the records of decisions, which are about their time. */
    static List<String> ofUsers() {
        try (Stream<Path> files = Files.walk(PROJECT.resolve("docs"))) {
            return Stream.concat(
                            Stream.of("README.md"),
                            files.map(file -> PROJECT.relativize(file).toString())
                                    .filter(page -> page.endsWith(".md") && !page.contains("/decisions/"))
                                    .sorted())
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Those, and the pages for those who work on the project. */
    static List<String> all() {
        return Stream.concat(ofUsers().stream(), Stream.of("CONTRIBUTING.md", "RELEASING.md", "SECURITY.md"))
                .toList();
    }

    static String read(String page) {
        try {
            return Files.readString(PROJECT.resolve(page));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static List<Block> blocks(String page) {
        List<String> lines = read(page).lines().toList();
        List<Block> blocks = new ArrayList<>();
        String before = "";
        for (int i = 0; i < lines.size(); i++) {
            Matcher fence = FENCE.matcher(lines.get(i));
            if (!fence.matches()) {
                before = lines.get(i).isBlank() ? before : lines.get(i);
                continue;
            }
            int start = i;
            StringBuilder text = new StringBuilder();
            for (i++; !lines.get(i).equals(fence.group(1) + "```"); i++) {
                text.append(
                                lines.get(i).isEmpty()
                                        ? ""
                                        : lines.get(i).substring(fence.group(1).length()))
                        .append('\n');
            }
            Matcher named = NAMED.matcher(before);
            blocks.add(new Block(
                    page,
                    start + 1,
                    fence.group(2),
                    named.matches() ? Optional.of(named.group(1)) : Optional.empty(),
                    text.toString()));
            before = "";
        }
        return blocks;
    }

    static List<Span> spans(String page) {
        StringBuilder prose = new StringBuilder();
        boolean fenced = false;
        for (String line : read(page).lines().toList()) {
            boolean fence = FENCE.matcher(line).matches();
            fenced = fence != fenced;
            prose.append(fence || fenced ? "" : line).append('\n');
        }
        return SPAN.matcher(prose)
                .results()
                .map(span -> new Span(
                        page,
                        (int) prose.substring(0, span.start()).lines().count(),
                        span.group(1).replaceAll("\\s+", " ")))
                .toList();
    }
}
