// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.config;

import java.util.List;
import java.util.Optional;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.ReaderException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlVersionException;

/** Explains what is wrong with a text that is not YAML, and how to write it. */
final class YamlSyntax {
    private static final String DEFAULT = "the text cannot be read as YAML from here";

    private final String source;
    private final String text;

    /** What the parser's report contains, and what it means for the writer of the file. */
    private record Cause(String report, String message) {}

    private static final List<Cause> CAUSES = List.of(
            new Cause("(TAB)", "a tab stands where YAML takes spaces only; replace it"),
            new Cause(
                    "mapping values are not allowed",
                    "the key before this colon is not expected here; check the indentation, or quote a text that"
                            + " contains a colon"),
            new Cause("could not find expected ':'", "the line has no colon after its key; write KEY: VALUE"),
            new Cause(
                    "undefined alias",
                    "the alias refers to no anchor; define it before with &NAME, or quote a text that begins"
                            + " with *"),
            new Cause(
                    "unknown escape character",
                    "the escape sequence is unknown; write \\\\ for a backslash, or use single quotes"),
            new Cause("quoted scalar", "the quotes that begin before are not closed"),
            new Cause("block scalar", "only + or -, and a digit for the indentation, can follow | or >"),
            new Cause("',' or ']'", "the list that begins with [ is not continued by a comma or closed by ]"),
            new Cause("',' or '}'", "the mapping that begins with { is not continued by a comma or closed by }"),
            new Cause("'}'", "the bracket } closes nothing"),
            new Cause("']'", "the bracket ] closes nothing"),
            new Cause("block collection", "the line is indented like the list before it; check the indentation"),
            new Cause("block mapping", "the line is not indented like the keys before it"),
            new Cause("document start", "a further document begins with a line of ---"),
            new Cause("cannot start any token", "the text begins with a character that YAML reserves; quote it"),
            new Cause("sequence entries are not allowed", "a list cannot begin here; write it on the next line"),
            new Cause("anchor", "a name has to follow & or *"));

    YamlSyntax(String source, String text) {
        this.source = source;
        this.text = text;
    }

    ManifestException explain(YamlEngineException failure) {
        return switch (failure) {
            case MarkedYamlEngineException marked ->
                new ManifestException(
                        position(marked.getProblemMark().or(marked::getContextMark)),
                        "invalid YAML: " + message(marked));
            case ReaderException reader ->
                new ManifestException(
                        at(reader.getPosition()),
                        "invalid YAML: the character U+%04X is not allowed in a text".formatted(reader.getCodePoint()));
            case YamlVersionException _ ->
                new ManifestException(
                        new Yaml.Position(source, 1, 1), "invalid YAML: the version in %YAML is not known; remove it");
            default -> new ManifestException(new Yaml.Position(source, 0, 0), "invalid YAML: " + DEFAULT);
        };
    }

    private static String message(MarkedYamlEngineException marked) {
        String report = marked.getContext() + " " + marked.getProblem();
        return CAUSES.stream()
                .filter(cause -> report.contains(cause.report()))
                .map(Cause::message)
                .findFirst()
                .orElse(DEFAULT);
    }

    private Yaml.Position position(Optional<Mark> mark) {
        return mark.map(found -> new Yaml.Position(source, found.getLine() + 1, found.getColumn() + 1))
                .orElseGet(() -> new Yaml.Position(source, 0, 0));
    }

    /** The place of the n-th character. */
    private Yaml.Position at(int position) {
        String before = text.substring(
                0, text.offsetByCodePoints(0, Math.clamp(position, 0, text.codePointCount(0, text.length()))));
        int line = 1 + (int) before.chars().filter(c -> c == '\n').count();
        return new Yaml.Position(source, line, before.length() - before.lastIndexOf('\n'));
    }
}
