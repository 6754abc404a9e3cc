// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.util.Arrays;
import java.util.Optional;

/**
 * Finds the text of one field of a JSON object without a JSON parser.
 *
 * <p>The plugin needs a single field on its way to the agent, which parses and checks the whole. This one follows
 * strings and nesting and judges nothing: in what is not JSON it finds something or nothing.
 */
final class TopLevelText {
    private static final String SELF_ESCAPED = "/\\\"";

    private final byte[] json;
    private int position;

    private TopLevelText(byte[] json) {
        this.json = json;
    }

    /**
     * Finds the text of {@code field} in the outermost object, the last one if it is there more than once.
     *
     * @return empty if there is none, if it is no text, or if it has an escape sequence other than those of a slash, a
     *     backslash and a quotation mark
     */
    static Optional<String> find(byte[] json, String field) {
        requireNonNull(json, "json is null");
        return new TopLevelText(json).find(field.getBytes(UTF_8));
    }

    private Optional<String> find(byte[] field) {
        Optional<String> found = Optional.empty();
        int depth = 0;
        boolean key = false;
        boolean wanted = false;
        for (; position < json.length; position++) {
            switch (json[position]) {
                case '{' -> key = ++depth == 1;
                case '[' -> depth++;
                case '}', ']' -> depth--;
                case ',' -> key = depth == 1;
                case '"' -> {
                    int start = position + 1;
                    int end = endOfString();
                    if (key) {
                        wanted = Arrays.equals(json, start, end, field, 0, field.length);
                    } else if (wanted && depth == 1) {
                        found = text(start, end);
                    }
                    key = false;
                }
                default -> {}
            }
        }
        return found;
    }

    /** Goes to the quotation mark that ends the string which begins here. */
    private int endOfString() {
        position++;
        while (position < json.length && json[position] != '"') {
            position += json[position] == '\\' ? 2 : 1;
        }
        return Math.min(position, json.length);
    }

    private Optional<String> text(int start, int end) {
        StringBuilder text = new StringBuilder();
        String raw = Utf8.text(json, start, end);
        for (int at = 0; at < raw.length(); at++) {
            char character = raw.charAt(at);
            if (character == '\\') {
                character = ++at < raw.length() ? raw.charAt(at) : '\\';
                if (SELF_ESCAPED.indexOf(character) < 0) {
                    return Optional.empty();
                }
            }
            text.append(character);
        }
        return Optional.of(text.toString());
    }
}
