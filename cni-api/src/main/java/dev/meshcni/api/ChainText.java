// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The text of a configuration list, in which plugins are added and removed without touching anything else: what others
 * wrote keeps its order, its fields and its blanks.
 *
 * <p>API status: INTERNAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public final class ChainText {
    private final String text;
    private List<Span> plugins = List.of();

    /** The position of a value: from its first character to after its last. */
    private record Span(int start, int end) {}

    public ChainText(String text) {
        this.text = text;
        try (JsonParser parser = CniJson.factory().createParser(text)) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String field = parser.currentName();
                JsonToken value = parser.nextToken();
                if (field.equals("plugins") && value == JsonToken.START_ARRAY) {
                    plugins = elements(parser);
                } else {
                    parser.skipChildren();
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("a list that was parsed before", e);
        }
    }

    /** The same text with one more plugin at the end of the list. */
    public String append(ObjectNode plugin) {
        Span last = plugins.getLast();
        String indent = indentOf(last);
        String separator = indent.isEmpty() ? gapBefore(plugins.size() - 1) : "," + lineEnd() + indent;
        return text.substring(0, last.end()) + separator + written(plugin, last) + text.substring(last.end());
    }

    /** The same text with another plugin in the place of the last one. */
    public String replaceLast(ObjectNode plugin) {
        Span last = plugins.getLast();
        return text.substring(0, last.start()) + written(plugin, last) + text.substring(last.end());
    }

    /** The same text without the plugin at a position; there must be another one. */
    public String remove(int index) {
        if (index > 0) {
            return text.substring(0, plugins.get(index - 1).end())
                    + text.substring(plugins.get(index).end());
        }
        return text.substring(0, plugins.get(0).start())
                + text.substring(plugins.get(1).start());
    }

    /**
     * The text of a configuration without the plugins of a type in lists within its plugins, such as those that Multus
     * delegates to. A list of nothing else stays.
     *
     * @param text a configuration that was parsed before
     * @param type the type of the plugins
     */
    public static String withoutNested(String text, String type) {
        Deque<Integer> open = new ArrayDeque<>();
        try (JsonParser parser = CniJson.factory().createParser(text)) {
            for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
                if (token == JsonToken.START_OBJECT) {
                    open.push((int) parser.currentTokenLocation().getCharOffset());
                } else if (token == JsonToken.END_OBJECT) {
                    int start = open.pop();
                    int end = (int) parser.currentLocation().getCharOffset();
                    Optional<String> rest =
                            open.isEmpty() ? Optional.empty() : withoutOne(text.substring(start, end), type);
                    if (rest.isPresent()) {
                        return withoutNested(text.substring(0, start) + rest.get() + text.substring(end), type);
                    }
                }
            }
            return text;
        } catch (IOException e) {
            throw new UncheckedIOException("a configuration that was parsed before", e);
        }
    }

    /** A list without its first plugin of a type; empty if it has none, or nothing else. */
    private static Optional<String> withoutOne(String list, String type) {
        if (!list.contains("\"plugins\"")) {
            return Optional.empty();
        }
        JsonNode plugins = CniJson.lenientObject(list).path("plugins");
        List<Integer> own = IntStream.range(0, plugins.isArray() ? plugins.size() : 0)
                .filter(i -> plugins.get(i).path("type").asText("").equals(type))
                .boxed()
                .toList();
        return own.isEmpty() || own.size() == plugins.size()
                ? Optional.empty()
                : Optional.of(new ChainText(list).remove(own.getFirst()));
    }

    /** All that stands between the bracket of the list, the line end after it, and the comma after the first plugin. */
    public String firstWithBlanks() {
        Span first = plugins.getFirst();
        int start = text.lastIndexOf('[', first.start()) + 1;
        if (text.startsWith("\n", start)) {
            start++;
        }
        int comma = text.indexOf(',', first.end());
        boolean onlyBlanks = comma >= 0 && text.substring(first.end(), comma).isBlank();
        return text.substring(start, onlyBlanks ? comma : first.end());
    }

    /** A plugin in the manner of another one of the list. */
    private String written(ObjectNode plugin, Span like) {
        String indent = indentOf(like);
        return indent.isEmpty()
                ? CniJson.compact(plugin)
                : CniJson.pretty(plugin, step(like, indent), lineEnd() + indent);
    }

    private static List<Span> elements(JsonParser parser) throws IOException {
        List<Span> elements = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            int start = (int) parser.currentTokenLocation().getCharOffset();
            parser.skipChildren();
            elements.add(new Span(start, (int) parser.currentLocation().getCharOffset()));
        }
        return elements;
    }

    /** The blanks before a value that is the first of its line; empty if it is not. */
    private String indentOf(Span span) {
        int line = text.lastIndexOf('\n', span.start() - 1) + 1;
        String before = text.substring(line, span.start());
        return line > 0 && before.isBlank() ? before : "";
    }

    /** The separator between the plugins of a list written on one line. */
    private String gapBefore(int index) {
        if (index == 0) {
            return ",";
        }
        return text.substring(plugins.get(index - 1).end(), plugins.get(index).start());
    }

    /** The indentation of a plugin's fields relative to the plugin. */
    private String step(Span plugin, String indent) {
        int field = text.indexOf('"', plugin.start());
        String deeper = field < 0 || field > plugin.end() ? "" : indentOf(new Span(field, field));
        return deeper.startsWith(indent) && deeper.length() > indent.length()
                ? deeper.substring(indent.length())
                : "  ";
    }

    private String lineEnd() {
        return text.contains("\r\n") ? "\r\n" : "\n";
    }
}
